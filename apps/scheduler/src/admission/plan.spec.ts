import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runDecider, type RunPhase } from '#libs/domain';
import { definitionOf, queuedOf } from '../testing/samples.js';
import { planDispatch, priorities, type Candidate } from './plan.js';

const now = Date.parse('2026-01-01T12:00:00Z');

interface Sketch {
  readonly task: string;
  readonly team: string;
  readonly pool: string;
  readonly priority: (typeof priorities)[number];
  readonly phase: RunPhase;
  readonly retryInMs: number | null;
}

const candidate = (sketch: Sketch, index: number): Candidate => {
  const { task, team, pool, priority, phase, retryInMs } = sketch;
  const definition = definitionOf(task, {}, { team, agentPoolName: pool });
  return {
    run: `r${index}`,
    sequence: index,
    state: {
      ...runDecider.initialState,
      phase,
      queued: queuedOf(`r${index}`, task, { definition, priority }).data,
      retryAt: retryInMs === null ? null : new Date(now + retryInMs).toISOString(),
    },
  };
};

const waiting = (more: Partial<Sketch> = {}): Sketch => ({
  task: 'app',
  team: 'team',
  pool: 'default',
  priority: 'Base',
  phase: 'Queued',
  retryInMs: null,
  ...more,
});
const plan = (sketches: readonly Sketch[], slots: Record<string, number> = { default: 1 }) =>
  planDispatch(sketches.map(candidate), new Map(Object.entries(slots)), now).map(({ run }) => run);

describe('what is dispatched', () => {
  it('is no more than there are free slots', () => {
    const tasks = ['a', 'b', 'c', 'd'].map((task) => waiting({ task }));
    expect(plan(tasks, { default: 2 })).toEqual(['r0', 'r1']);
    expect(plan([...tasks, waiting({ task: 'e', phase: 'Started' })], { default: 2 })).toEqual(['r0']);
    expect(plan(tasks, {})).toEqual([]);
  });

  it('is what a person waits for, before thousands of routine ones', () => {
    const routine = Array.from({ length: 1000 }, (_, index) => waiting({ task: `t${index}` }));
    expect(plan([...routine, waiting({ task: 'mine', priority: 'Interactive' })])).toEqual(['r1000']);
  });

  it('is one run of a task at a time', () => {
    expect(plan([waiting(), waiting({ priority: 'Interactive' })], { default: 5 })).toEqual(['r1']);
    expect(plan([waiting({ phase: 'Built' }), waiting()], { default: 5 })).toEqual([]);
  });

  it('waits for the time of a retry', () => {
    expect(plan([waiting({ retryInMs: 1 })])).toEqual([]);
    expect(plan([waiting({ retryInMs: 0 })])).toEqual(['r0']);
  });

  it('gives each team its share: the one with the least under way is next', () => {
    const many = ['a', 'b', 'c'].map((task) => waiting({ task, team: 'big' }));
    const few = waiting({ task: 'd', team: 'small' });
    expect(plan([...many, few], { default: 2 })).toEqual(['r0', 'r3']);
    expect(plan([waiting({ task: 'x', team: 'big', phase: 'Started' }), ...many, few], { default: 2 })).toEqual(['r4']);
  });

  it('goes to the pool that the task names', () => {
    const sketches = [waiting({ task: 'a', pool: 'arm' }), waiting({ task: 'b' })];
    expect(plan(sketches, { default: 1 })).toEqual(['r1']);
    expect(plan(sketches, { default: 1, arm: 1 })).toEqual(['r0', 'r1']);
  });

  /** The rules of design §7, one run at a time, by trying every one that waits. */
  const byTheBook = (sketches: readonly Sketch[], slots: Readonly<Record<string, number>>): string[] => {
    const world = sketches.map((sketch, index) => ({ ...sketch, index }));
    const busy = (one: Sketch) => ['Dispatched', 'Started', 'Built'].includes(one.phase);
    const chosen: string[] = [];
    for (;;) {
      const load = (is: (one: Sketch) => boolean) => world.filter((one) => busy(one) && is(one)).length;
      const ready = world.filter(
        (one) =>
          one.phase === 'Queued' &&
          (one.retryInMs ?? 0) <= 0 &&
          load(({ task }) => task === one.task) === 0 &&
          load(({ pool }) => pool === one.pool) < (slots[one.pool] ?? 0),
      );
      const [next] = ready.sort(
        (a, b) =>
          priorities.indexOf(a.priority) - priorities.indexOf(b.priority) ||
          load(({ team }) => team === a.team) - load(({ team }) => team === b.team) ||
          a.index - b.index,
      );
      if (!next) return chosen;
      chosen.push(`r${next.index}`);
      world[next.index] = { ...next, phase: 'Dispatched' };
    }
  };

  it('is what the rules say, in any situation', () => {
    const sketch: fc.Arbitrary<Sketch> = fc.record({
      task: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
      team: fc.constantFrom('red', 'green', 'blue'),
      pool: fc.constantFrom('default', 'arm'),
      priority: fc.constantFrom(...priorities),
      phase: fc.constantFrom<RunPhase>('Queued', 'Queued', 'Queued', 'Dispatched', 'Started', 'Built', 'Ended'),
      retryInMs: fc.constantFrom(null, null, -5, 5_000),
    });
    const slots = fc.record({ default: fc.nat(4), arm: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(sketch, { maxLength: 14 }), slots, (sketches, free) => {
        expect(plan(sketches, free)).toEqual(byTheBook(sketches, free));
      }),
      { numRuns: 500 },
    );
  });
});
