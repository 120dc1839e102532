import type { History, Violation } from './history.js';
import { judge } from './oracle.js';
import type { Scenario } from './scenario.js';
import { simulate, type Planted } from './simulator.js';

export interface Outcome {
  readonly violations: readonly Violation[];
  readonly history: History | null;
  /** What was thrown, where the simulation did not end. */
  readonly thrown: string | null;
}

export const outcomeOf = (scenario: Scenario, planted: Planted = {}): Outcome => {
  let history: History;
  try {
    history = simulate(scenario, planted);
  } catch (error) {
    return { violations: [], history: null, thrown: (error as Error).stack ?? String(error) };
  }
  return { violations: judge(history), history, thrown: null };
};

export const isBad = ({ violations, thrown }: Outcome): boolean => violations.length > 0 || thrown !== null;

/** The smallest scenario that is found by leaving things out one by one, and is as bad in the same way. */
export const shrink = (scenario: Scenario, planted: Planted = {}): Scenario => {
  const kind = ({ violations, thrown }: Outcome) => violations[0]?.rule ?? thrown?.slice(0, 20) ?? '';
  const wanted = kind(outcomeOf(scenario, planted));
  let best = scenario;
  for (let smaller: Scenario | undefined = best; smaller;) {
    best = smaller;
    smaller = candidates(best).find((one) => kind(outcomeOf(one, planted)) === wanted);
  }
  return best;
};

const candidates = (scenario: Scenario): Scenario[] => {
  const { phases, tasks } = scenario;
  const without = <T>(list: readonly T[], index: number) => list.toSpliced(index, 1);
  const calm: Partial<Scenario>[] = [
    { fails: 0 },
    { errors: 0 },
    { forgets: 0 },
    { holds: 0 },
    { hintLoss: 0 },
    { hintDuplicates: 0 },
    { replicas: 1 },
    { lagMs: 0 },
  ];
  return [
    ...phases.map((_, index) => ({ ...scenario, phases: without(phases, index) })),
    ...tasks.map(({ name }, index) => ({
      ...scenario,
      tasks: without(tasks, index),
      phases: phases.map((phase) => phase.filter(({ action }) => !('task' in action) || action.task !== name)),
    })),
    ...phases.flatMap((phase, at) =>
      phase.map((_, index) => ({ ...scenario, phases: phases.with(at, without(phase, index)) })),
    ),
    ...tasks.flatMap((task, at) =>
      task.inputs.map((_, index) => ({
        ...scenario,
        tasks: tasks.with(at, { ...task, inputs: without(task.inputs, index) }),
      })),
    ),
    ...tasks.flatMap((task, at) =>
      task.outputs.slice(1).map((_, index) => ({
        ...scenario,
        tasks: tasks.with(at, { ...task, outputs: without(task.outputs, index + 1) }),
      })),
    ),
    ...calm
      .filter((change) => Object.entries(change).some(([name, value]) => scenario[name as keyof Scenario] !== value))
      .map((change) => ({ ...scenario, ...change })),
  ];
};

/** A bad outcome as text: the seed, what is left of the scenario, what happened and what is wrong with it. */
export const describeOutcome = (scenario: Scenario, planted: Planted = {}): string => {
  const least = shrink(scenario, planted);
  const { violations, history, thrown } = outcomeOf(least, planted);
  const last = violations[0]?.position ?? Infinity;
  const lines = (history?.entries ?? [])
    .filter(({ position, kind }) => position <= last + 2 && kind !== 'other')
    .map(({ position, at, ...fact }) => `  ${position} @${at} ${JSON.stringify(fact, short)}`);
  return [
    `seed ${scenario.seed}: PLINTH_SIM_SEED=${scenario.seed} runs it alone`,
    `scenario ${JSON.stringify(least)}`,
    ...lines.slice(-120),
    ...violations.slice(0, 5).map(({ rule, position, task, text }) => `  ✗ ${rule} at ${position}: ${task} ${text}`),
    thrown ?? '',
  ].join('\n');
};

const short = (_key: string, value: unknown) =>
  typeof value === 'string'
    ? value.replace(/sha256:([0-9a-f]{6})[0-9a-f]{58}/g, '$1').replaceAll('registry.test/', '')
    : value;
