import { describe, expect, it } from 'vitest';
import { LogError } from '#libs/event-log';
import { app, bench, definitionOf, node, until } from '../testing/bench.js';
import { Delivery } from '../testing/doubles.js';
import { untilStopped } from '../testing/scripted-engine.js';

/** A server that does not answer. */
const never = (): Promise<never> => new Promise(() => undefined);

describe('a run that is handed to another builder', () => {
  it('is not built again by a builder that it is not dispatched to', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    await b.queue('r1');
    await b.deliver('r1');
    const again = await b.deliver('r1');
    expect(again.settled).toBe('ack');
    expect(await b.events('r1')).toHaveLength(5);
  });

  it('is a dead letter when the log has no such run', async () => {
    await using b = await bench();
    expect((await b.deliver('gone')).settled).toBe('drop');
  });

  it('does nothing for a message of an earlier dispatch', async () => {
    await using b = await bench();
    b.registry.beforeRead = () => {
      throw new Error('something of ours');
    };
    await b.queue('r1');
    await b.deliver('r1');
    await b.dispatchAgain('r1');
    expect((await b.deliver('r1', 1)).settled).toBe('ack');
    expect(b.state('r1').phase).toBe('Dispatched');
  });

  it('is taken over as another attempt, and the first builder stops and touches nothing more', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.engine.script = untilStopped;
    const other = await b.another('b2');
    await b.queue('r1');
    const first = b.dispatch.deliver(new Delivery('r1', 1));
    await until(() => b.engine.requests.length > 0);
    const second = await other.dispatch.deliver(new Delivery('r1', 1, 2));
    const lost = await first;
    expect(second.settled).toBe('ack');
    // The message is the other builder's lease: it is neither acknowledged nor dropped from here.
    expect([undefined, 'ack']).toContain(lost.settled);
    expect(await b.events('r1')).toEqual([
      'run.queued',
      'run.dispatched',
      'run.started',
      'run.started',
      'run.built',
      'run.succeeded',
    ]);
    expect(await b.last('r1', 'run.succeeded')).toMatchObject({ attempt: 2 });
  });

  it('leaves the message alone while another builder works on it', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.engine.script = untilStopped;
    const other = await b.another('b2');
    other.engine.script = untilStopped;
    await b.queue('r1');
    const first = b.dispatch.deliver(new Delivery('r1', 1));
    await until(() => b.engine.requests.length > 0);
    const second = other.dispatch.deliver(new Delivery('r1', 1, 2));
    expect((await first).settled).toBeUndefined();
    await other.builder.stop();
    expect((await second).settled).toBe('retry 0');
  });

  it.each(['builder.built', 'builder.tag', 'builder.tagged'])(
    'publishes what the first attempt built when that died at %s',
    async (point) => {
      await using b = await bench();
      b.registry.image(node, 'base');
      const imageNames = [app, 'registry.test/team/app:stable', 'registry.test/team/app:{{.Run.ID}}'];
      const other = await b.another('b2');
      await b.queue('r1', { definition: definitionOf({ imageNames }) });
      await b.dies(point, new Delivery('r1', 1));
      expect((await b.events('r1')).at(-1)).toBe('run.built');
      const second = await other.dispatch.deliver(new Delivery('r1', 1, 2));
      expect(second.settled).toBe('ack');
      expect(other.engine.requests).toEqual([]);
      const { outputs, unchanged } = await b.last('r1', 'run.succeeded');
      expect(outputs).toEqual((await b.last('r1', 'run.built')).outputs);
      for (const { reference, digest } of outputs) expect(b.registry.tags.get(reference)).toBe(digest);
      // The tags that the first attempt moved already do not make it look as if nothing had changed.
      expect(unchanged).toBe(false);
    },
  );

  it('is built again when the first attempt died before its digests were in the log', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    const other = await b.another('b2');
    await b.queue('r1');
    const first = b.dies('builder.pushed', new Delivery('r1', 1));
    await first;
    expect(b.registry.tags.has(app)).toBe(false);
    expect((await other.dispatch.deliver(new Delivery('r1', 1, 2))).settled).toBe('ack');
    expect(other.engine.requests).toHaveLength(1);
    expect(await b.last('r1', 'run.succeeded')).toMatchObject({ attempt: 2 });
  });
});

describe('the lease', () => {
  it('is confirmed three times per ack wait while a build runs', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.engine.script = untilStopped;
    await b.queue('r1');
    const delivery = new Delivery('r1', 1);
    const delivered = b.dispatch.deliver(delivery);
    await until(() => b.engine.requests.length > 0);
    const before = delivery.workingCalls;
    await b.clock.advance(60_000);
    expect(delivery.workingCalls - before).toBe(6);
    await b.builder.stop();
    await delivered;
  });

  it('is lost when the server does not answer in time: the attempt stops by itself and says nothing', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.engine.script = untilStopped;
    await b.queue('r1');
    const delivery = new Delivery('r1', 1);
    const delivered = b.dispatch.deliver(delivery);
    await until(() => b.engine.requests.length > 0);
    delivery.answers = never;
    await b.clock.advance(40_000);
    await delivered;
    expect(delivery.settled).toBeUndefined();
    expect((await b.events('r1')).at(-1)).toBe('run.started');
  });

  it('must stand before each tag: without it no tag is moved', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    await b.queue('r1');
    const delivery = new Delivery('r1', 1);
    b.atPoint = (name) => {
      if (name !== 'builder.built') return;
      delivery.answers = async () => {
        await b.clock.advance(31_000);
        return false;
      };
    };
    await b.dispatch.deliver(delivery);
    expect(b.registry.tags.has(app)).toBe(false);
    expect((await b.events('r1')).at(-1)).toBe('run.built');
    expect(delivery.settled).toBeUndefined();
  });

  it('is not won back by a builder that slept too long, whatever the server answers', async () => {
    let slept = 0;
    await using b = await bench({}, { monotonic: () => slept });
    b.registry.image(node, 'base');
    await b.queue('r1');
    b.atPoint = (name) => {
      if (name === 'builder.built') slept = 31_000;
    };
    const delivery = await b.deliver('r1');
    expect(b.registry.tags.has(app)).toBe(false);
    expect(delivery.settled).toBeUndefined();
  });

  it('lets a builder keep trying to say the outcome while the log is away, and no longer', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    const append = b.log.append.bind(b.log);
    let refusals = 3;
    b.log.append = (...args) =>
      args[2][0]?.type === 'run.succeeded' && refusals-- > 0
        ? Promise.reject(new LogError('LOG_UNREACHABLE', 'No server answers.'))
        : append(...args);
    await b.queue('r1');
    const first = await b.finishes(new Delivery('r1', 1));
    expect(first.settled).toBe('ack');
    expect(b.state('r1').phase).toBe('Ended');

    refusals = Infinity;
    await b.queue('r2');
    const second = new Delivery('r2', 1);
    b.atPoint = (name) => {
      if (name === 'builder.tagged') second.answers = () => Promise.resolve(false);
    };
    await b.finishes(second);
    expect(second.settled).toBeUndefined();
    expect(b.state('r2').phase).toBe('Built');
  });
});
