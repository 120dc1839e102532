import { describe, expect, it } from 'vitest';
import { definitionHash } from '#libs/domain';
import { app, bench, definitionOf, node, until, type Bench } from '../testing/bench.js';
import { Delivery } from '../testing/doubles.js';
import { untilStopped } from '../testing/scripted-engine.js';

const definition = definitionOf();
const created = (b: Bench): Promise<void> =>
  b.append('task', 'app', {
    type: 'task.created',
    data: { definition, definitionHash: definitionHash(definition), by: 'ada' },
  });

/** Two runs on two bases; answers their digests, older first. */
const twoRuns = async (b: Bench): Promise<[string, string]> => {
  await created(b);
  const digests: string[] = [];
  for (const run of ['r1', 'r2']) {
    b.registry.image(node, run);
    await b.queue(run);
    await b.deliver(run);
    digests.push(b.registry.tags.get(app) ?? '');
  }
  return digests as [string, string];
};

describe('drift', () => {
  it('moves a tag forward again that went back to an earlier run of its task', async () => {
    await using b = await bench();
    const [older, newer] = await twoRuns(b);
    expect(older).not.toBe(newer);
    b.registry.tags.set(app, older);
    expect(await b.builder.reconcile()).toEqual({ looked: 1, repaired: 1, unknown: 0 });
    expect(b.registry.tags.get(app)).toBe(newer);
    expect(await b.saidOf(app)).toMatchObject([
      {
        type: 'output.repaired',
        data: { reference: app, task: 'app', run: 'r2', found: older, foundRun: 'r1', to: newer },
      },
    ]);
  });

  it('never fights a digest that no run of the task made, and reports it once', async () => {
    await using b = await bench();
    const [, newer] = await twoRuns(b);
    const theirs = b.registry.image(app, 'pushed by a person').digest;
    expect(await b.builder.reconcile()).toMatchObject({ repaired: 0, unknown: 1 });
    expect(await b.builder.reconcile()).toMatchObject({ repaired: 0, unknown: 0 });
    expect(b.registry.tags.get(app)).toBe(theirs);
    expect(await b.saidOf(app)).toMatchObject([
      { type: 'output.foreign', data: { task: 'app', run: 'r2', found: theirs, expected: newer } },
    ]);
    b.registry.tags.set(app, newer);
    await b.builder.reconcile();
    expect((await b.saidOf(app)).map(({ type }) => type)).toEqual(['output.foreign', 'output.regained']);
  });

  it('leaves a task alone while a run of it is active', async () => {
    await using b = await bench();
    const [older] = await twoRuns(b);
    b.registry.tags.set(app, older);
    b.engine.script = untilStopped;
    await b.queue('r3');
    const delivered = b.dispatch.deliver(new Delivery('r3', 1));
    await until(() => b.engine.requests.length === 3);
    await b.settle();
    expect(await b.builder.reconcile()).toMatchObject({ repaired: 0, unknown: 0 });
    expect(b.registry.tags.get(app)).toBe(older);
    await b.builder.stop();
    await delivered;
  });

  it('does not touch a name that the task does not push any more, nor those of a deleted task', async () => {
    await using b = await bench();
    const [older] = await twoRuns(b);
    b.registry.tags.set(app, older);
    const renamed = definitionOf({ imageNames: ['registry.test/team/renamed:1'] });
    await b.append('task', 'app', {
      type: 'task.updated',
      data: { definition: renamed, definitionHash: definitionHash(renamed), by: 'ada' },
    });
    expect(await b.builder.reconcile()).toMatchObject({ looked: 0 });
    await b.append('task', 'app', { type: 'task.deleted', data: { task: 'app', by: 'ada' } });
    expect(await b.builder.reconcile()).toMatchObject({ looked: 0 });
  });

  it('never moves back what a run with overrides by hand put there', async () => {
    await using b = await bench();
    await twoRuns(b);
    b.registry.image(node, 'r3');
    await b.queue('r3', { overridden: true });
    await b.deliver('r3');
    const byHand = b.registry.tags.get(app);
    expect(await b.builder.reconcile()).toMatchObject({ repaired: 0, unknown: 1 });
    expect(b.registry.tags.get(app)).toBe(byHand);
  });

  it('is looked for by one builder at a time, and goes on when that one died', async () => {
    await using b = await bench();
    await twoRuns(b);
    const until = new Date(b.clock.now().getTime() + 30_000).toISOString();
    await b.leases.put('drift', Buffer.from(JSON.stringify({ holder: 'b9', until })));
    expect(await b.builder.reconcile()).toBeUndefined();
    await b.clock.advance(30_000);
    expect(await b.builder.reconcile()).toMatchObject({ looked: 1 });
    expect(await b.leases.get('drift')).toBeUndefined();
  });

  it('is looked for once the log was read, and again each time the interval is over', async () => {
    await using b = await bench({ reconcileMs: 60_000 });
    const [older, newer] = await twoRuns(b);
    b.registry.tags.set(app, older);
    await b.clock.advance(60_000);
    await until(() => b.registry.tags.get(app) === newer);
  });
});
