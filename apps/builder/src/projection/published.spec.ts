import { describe, expect, it } from 'vitest';
import { runDecider, type RunState } from '#libs/domain';
import { app, bench, definitionOf, node } from '../testing/bench.js';
import type { RecordedEvent } from '#libs/event-log';
import { AdoptedImages, adoptionsKept } from './adopted-images.js';

describe('what was published', () => {
  it('knows the order of the runs of a task, also of those that a closed book restated', async () => {
    await using b = await bench();
    await b.queue('r1');
    const { state, sequence } = b.runs.get('r1');
    await b.log.append({ kind: 'run', id: 'r1' }, sequence, [
      { type: 'run.restated', id: 'restated', data: { state: { ...state } satisfies RunState } },
    ]);
    await b.settle();
    b.registry.image(node, 'base');
    await b.queue('r2');
    await b.deliver('r2');
    expect(b.published.laterStarted('app', 'r1')).toBe('r2');
    expect(b.published.standingOf('app')?.run).toBe('r2');
  });

  it('ends an active run whatever its end is', async () => {
    await using b = await bench();
    await b.queue('r1');
    const start = {
      type: 'start',
      run: 'r1',
      dispatched: 1,
      builder: 'b',
      slot: 0,
      engine: 'e',
      isolation: 'oci',
    } as const;
    await b.commands.execute(b.runs, runDecider, 'r1', start);
    await b.settle();
    expect(b.published.isActive('app')).toBe(true);
    const fail = { type: 'fail', run: 'r1', attempt: 1, code: 'STEP_FAILED', reason: 'no' } as const;
    await b.commands.execute(b.runs, runDecider, 'r1', fail);
    await b.settle();
    expect(b.published.isActive('app')).toBe(false);
  });

  it('counts only names that the task pushes in every run as standing', async () => {
    await using b = await bench();
    const definition = definitionOf({ imageNames: [app, 'registry.test/team/app:{{.Run.ID}}'] });
    await b.append('task', 'app', { type: 'task.created', data: { definition, definitionHash: 'h', by: 'ada' } });
    b.registry.image(node, 'base');
    await b.queue('r1', { definition });
    await b.deliver('r1');
    expect([...b.published.standing()].map(({ outputs }) => outputs.map(({ reference }) => reference))).toEqual([
      [app],
    ]);
  });
});

describe('adopted images', () => {
  it('are kept newest first, and not without end', async () => {
    await using b = await bench();
    const adopted = new AdoptedImages();
    adopted.open(b.projector.db);
    const images = Array.from({ length: adoptionsKept + 4 }, (_, i) => b.registry.image(node, `image ${i}`));
    for (const image of images) await b.adopt(node, image);
    const digests = images.map(({ digest }) => digest).reverse();
    expect(adopted.newestFirst(node).map(({ digest }) => digest)).toEqual(digests.slice(0, adoptionsKept));
    expect(adopted.newestFirst('docker.io/library/unknown:1')).toEqual([]);
  });

  it('of which none is adopted are refused where a policy has an allow-list that they are not on', async () => {
    await using b = await bench();
    const adopted = new AdoptedImages();
    adopted.open(b.projector.db);
    const definition = { name: 'hub', match: ['docker.io/*'], allow: ['docker.io/library/node'] };
    const say = (type: string, data: object) => adopted.apply({ type, data } as RecordedEvent);
    say('policy.created', { definition });
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(adopted.refusal(node)).toBeUndefined();
    expect(adopted.refusal(`docker.io/library/node@${digest}`)).toBeUndefined();
    expect(adopted.refusal('ghcr.io/acme/app:1')).toBeUndefined();
    expect(adopted.refusal(`docker.io/acme/app@${digest}`)).toMatch(/^The policy hub does not allow docker\.io\/acme/);
    // They are what the log says, also after a restart, and after a book was closed.
    const again = new AdoptedImages();
    again.open(b.projector.db);
    expect(again.refusal('docker.io/acme/app:1')).toBeDefined();
    say('policy.restated', { state: { definition: { ...definition, allow: ['docker.io/acme/*'] } } });
    expect(adopted.refusal('docker.io/acme/app:1')).toBeUndefined();
    expect(adopted.refusal(node)).toBeDefined();
    say('policy.deleted', { name: 'hub' });
    expect(adopted.refusal(node)).toBeUndefined();
  });
});
