import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bench, node, until } from './testing/bench.js';
import { Delivery } from './testing/doubles.js';
import { untilStopped } from './testing/scripted-engine.js';

const announced = async (b: Awaited<ReturnType<typeof bench>>): Promise<unknown> => {
  const entry = await b.leases.get('builder.b1');
  return entry && JSON.parse(Buffer.from(entry.value).toString());
};

describe('a builder', () => {
  it('says that it is there, again every five seconds, and takes itself off the list when it stops', async () => {
    await using b = await bench();
    const expected = { pool: 'default', slots: 2, engine: 'scripted', isolation: 'oci' };
    expect(await announced(b)).toEqual(expected);
    let times = 0;
    const put = b.leases.put.bind(b.leases);
    b.leases.put = (key, value) => {
      if (key === 'builder.b1') times++;
      return put(key, value);
    };
    await b.clock.advance(20_000);
    expect(times).toBe(4);
    await b.builder.stop();
    expect(await announced(b)).toBeUndefined();
  });

  it('has no slots to give while its engine cannot build, and says what to do', async () => {
    await using b = await bench();
    b.engine.ok = { ok: false, problem: 'The daemon does not answer.', fix: 'Start it.' };
    await b.clock.advance(40_000);
    expect(b.builder.ready()).toEqual(['The engine scripted cannot build: The daemon does not answer. Start it.']);
    expect(await announced(b)).toMatchObject({ slots: 0 });
    b.engine.ok = { ok: true, version: '1' };
    await b.clock.advance(40_000);
    expect(b.builder.ready()).toEqual([]);
    expect(await announced(b)).toMatchObject({ slots: 2 });
  });

  it('starts in a clean place', async () => {
    await using b = await bench();
    mkdirSync(join(b.workDir, 'slot-0/r0-1'), { recursive: true });
    writeFileSync(join(b.workDir, 'slot-0/r0-1/left'), 'behind');
    await b.another('b1');
    expect(readdirSync(b.workDir)).toEqual([]);
    expect(b.engine.cleanups).toBe(1);
  });

  it('leaves nothing of a build on its disk', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    await b.queue('r1');
    await b.deliver('r1');
    expect(readdirSync(join(b.workDir, 'slot-0'))).toEqual([]);
  });

  it('hands its builds over at once when it stops', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.engine.script = untilStopped;
    await b.queue('r1');
    const delivered = b.dispatch.deliver(new Delivery('r1', 1));
    await until(() => b.engine.requests.length > 0);
    await b.builder.stop();
    expect((await delivered).settled).toBe('retry 0');
    expect(b.dispatch.closed).toBe(true);
    expect((await b.events('r1')).at(-1)).toBe('run.started');
    expect((await b.dispatch.deliver(new Delivery('r2', 1))).settled).toBe('retry 0');
  });

  it('brings publishing to its end when it stops', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    await b.queue('r1');
    let stopped: Promise<void> | undefined;
    b.atPoint = (name) => {
      if (name === 'builder.built') stopped = b.builder.stop();
    };
    const delivery = await b.deliver('r1');
    await stopped;
    expect(delivery.settled).toBe('ack');
    expect((await b.events('r1')).at(-1)).toBe('run.succeeded');
  });

  it('builds two runs at a time in slots of their own', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.engine.script = untilStopped;
    await b.queue('r1');
    await b.queue('r2', { task: 'other' });
    const both = [b.dispatch.deliver(new Delivery('r1', 1)), b.dispatch.deliver(new Delivery('r2', 1))];
    await until(() => b.engine.requests.length === 2);
    expect([(await b.last('r1', 'run.started')).slot, (await b.last('r2', 'run.started')).slot]).toEqual([0, 1]);
    await b.builder.stop();
    await Promise.all(both);
  });

  it('refuses a put timeout that outlives the hold on a run', async () => {
    await expect(bench({ ackWaitMs: 5_000, putTimeoutMs: 5_000 })).rejects.toThrow(/must be shorter than ackWaitMs/);
  });
});
