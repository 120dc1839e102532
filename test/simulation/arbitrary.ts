import fc from 'fast-check';
import type { Action, InputPlan, Scenario, TaskPlan } from './scenario.js';

const both = ['linux/amd64', 'linux/arm64'];
const roots = ['registry.test/root0:1', 'registry.test/root1:1'].map((reference) => ({ reference, platforms: both }));
const names = ['t0', 't1', 't2', 't3', 't4'];

const role = fc.constantFrom('base' as const, 'copy' as const);
const delay = fc.constantFrom(0, 500, 5_000, 40_000);

/** An input of the task at an index: a root, or an output of any task; of itself or one below, and it is a loop. */
const input = (): fc.Arbitrary<InputPlan> =>
  fc.record({
    reference: fc.constantFrom(
      ...roots.map(({ reference }) => reference),
      ...names.map((name) => `registry.test/${name}:1`),
    ),
    role,
  });

const task = (name: string): fc.Arbitrary<TaskPlan> =>
  fc.record({
    name: fc.constant(name),
    inputs: fc.uniqueArray(input(), { maxLength: 3, selector: (one) => `${one.reference} ${one.role}` }),
    outputs: fc
      .constantFrom([`registry.test/${name}:1`], [`registry.test/${name}:1`, 'registry.test/t0:1'])
      .map((all) => [...new Set(all)]),
    platforms: fc.constant(both),
    tracks: fc.constantFrom('All' as const, 'Runtime' as const, 'Nothing' as const),
    triggerEnabled: fc.boolean().map((disabled) => !disabled),
    enabled: fc.boolean().map((disabled) => !disabled),
    built: fc.constant(true),
    yields: fc.constantFrom('content' as const, 'fresh' as const, 'constant' as const),
    durationMs: fc.constantFrom(1_000, 20_000, 60_000),
    team: fc.constantFrom('platform', 'web'),
  });

const reference = fc.constantFrom(...roots.map((root) => root.reference));
const taskName = fc.constantFrom(...names);
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('move' as const), reference, platforms: fc.subarray(both, { minLength: 1 }) }),
  fc.record({ do: fc.constant('return' as const), reference }),
  fc.record({ do: fc.constant('flurry' as const), reference, gapMs: delay }),
  fc.record({ do: fc.constant('run' as const), task: taskName, overridden: fc.boolean() }),
  fc.record({ do: fc.constant('cancel' as const), task: taskName }),
  fc.record({ do: fc.constant('delete' as const), task: taskName }),
  fc.record({ do: fc.constant('replace' as const), task: taskName }),
  fc.record({ do: fc.constant('blink' as const), task: taskName, forMs: delay }),
  fc.record({ do: fc.constant('rewrite' as const), task: taskName, reference, gapMs: delay }),
  fc.record({ do: fc.constant('reset' as const), afterMs: delay }),
  fc.record({ do: fc.constant('away' as const), forMs: fc.constantFrom(30_000, 90_000) }),
  fc.record({ do: fc.constant('urge' as const), reference }),
  fc.record({ do: fc.constant('restart' as const), replica: fc.constant(0) }),
);

/** Small worlds of any shape, which fast-check makes smaller when one of them fails. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(1_000_000),
  roots: fc.constant(roots),
  tasks: fc.nat(names.length - 1).chain((last) => fc.tuple(...names.slice(0, last + 1).map(task))),
  phases: fc.array(fc.array(fc.record({ afterMs: delay, action }), { maxLength: 4 }), { maxLength: 3 }),
  slots: fc.constantFrom(1, 3),
  replicas: fc.constantFrom(1, 2),
  lagMs: fc.constantFrom(0, 0, 3_000),
  patienceMs: fc.constantFrom(7_200_000, 30_000),
  hintLoss: fc.constantFrom(0, 0.5),
  hintDuplicates: fc.constantFrom(0, 0.3),
  holds: fc.constantFrom(0, 0.2),
  fails: fc.constantFrom(0, 0.3),
  errors: fc.constantFrom(0, 0.2),
  forgets: fc.constantFrom(0, 0, 0.3),
});
