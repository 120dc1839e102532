import { Chance } from './chance.js';

export interface InputPlan {
  readonly reference: string;
  readonly role: 'base' | 'build' | 'copy' | 'mount' | 'frontend';
}

export interface TaskPlan {
  readonly name: string;
  readonly inputs: readonly InputPlan[];
  readonly outputs: readonly string[];
  readonly platforms: readonly string[];
  readonly tracks: 'Runtime' | 'All' | 'Nothing';
  readonly triggerEnabled: boolean;
  readonly enabled: boolean;
  /** Built once before the simulation begins. */
  readonly built: boolean;
  /** `content`: the same inputs give the same digest; `constant`: nothing changes it; `fresh`: every build differs. */
  readonly yields: 'content' | 'constant' | 'fresh';
  readonly durationMs: number;
  /** `platform` unless said. */
  readonly team?: string;
}

export type Action =
  | { readonly do: 'move'; readonly reference: string; readonly platforms: readonly string[] }
  /** Back to the digest before the last. */
  | { readonly do: 'return'; readonly reference: string }
  /** The next index is published without one of its platforms. */
  | { readonly do: 'lack'; readonly reference: string; readonly platform: string }
  | { readonly do: 'run'; readonly task: string; readonly overridden: boolean }
  | { readonly do: 'update'; readonly task: string; readonly plan: Partial<TaskPlan>; readonly argument: boolean }
  | { readonly do: 'delete'; readonly task: string }
  | { readonly do: 'create'; readonly task: string }
  /** Two moves, the second before much can have come of the first. */
  | { readonly do: 'flurry'; readonly reference: string; readonly gapMs: number }
  /** Two changes of what it builds; the scan of the first may come last. */
  | { readonly do: 'rewrite'; readonly task: string; readonly reference: string; readonly gapMs: number }
  /** Another Dockerfile in the same place: it is read again, the definition is what it was. */
  | { readonly do: 'commit'; readonly task: string; readonly reference: string }
  /** When the next run of it has started: deleted, and created again before anybody can have noticed. */
  | { readonly do: 'replace'; readonly task: string }
  /** When the next output that it tracks was pushed: it tracks nothing for a moment. */
  | { readonly do: 'blink'; readonly task: string; readonly forMs: number }
  | { readonly do: 'cancel'; readonly task: string }
  /** When the next circuit has opened, a person says that its failures are to be forgotten. */
  | { readonly do: 'reset'; readonly afterMs: number }
  /** No builder is there for a while. */
  | { readonly do: 'away'; readonly forMs: number }
  /** It moves, and what it moved to is adopted as urgent. */
  | { readonly do: 'urge'; readonly reference: string }
  | { readonly do: 'restart'; readonly replica: number };

export interface Scenario {
  readonly seed: number;
  readonly roots: readonly { readonly reference: string; readonly platforms: readonly string[] }[];
  readonly tasks: readonly TaskPlan[];
  /** Each begins when everything is at rest; the actions of one follow each other by their delays. */
  readonly phases: readonly (readonly { readonly afterMs: number; readonly action: Action }[])[];
  readonly slots: number;
  readonly replicas: number;
  /** Longest time between reading and a decision's place in the log. */
  readonly lagMs: number;
  readonly patienceMs: number;
  readonly hintLoss: number;
  readonly hintDuplicates: number;
  readonly holds: number;
  readonly fails: number;
  readonly errors: number;
  /** How likely it is that the graph forgets to make an offer. */
  readonly forgets: number;
}

const platformsKnown = ['linux/amd64', 'linux/arm64'] as const;
const registry = 'registry.test';

/** A scenario of a seed: what the world is, and what people and registries do to it. */
export const scenarioOf = (seed: number): Scenario => {
  const chance = new Chance(seed);
  const roots = Array.from({ length: chance.between('roots', 1, 3) }, (_, index) => ({
    reference: `${registry}/root${index}:1`,
    platforms: [...platformsKnown],
  }));
  const tasks = planTasks(
    chance,
    roots.map(({ reference }) => reference),
  );
  const phases = Array.from({ length: chance.between('phases', 2, 6) }, () => {
    const together = chance.hit('together', 0.5);
    return Array.from({ length: chance.between('actions', 1, together ? 2 : 6) }, () => ({
      afterMs: together ? 0 : chance.between('after', 0, 40_000),
      action: planAction(chance, roots, tasks),
    }));
  });
  const strict = chance.hit('strict', 0.6);
  return {
    seed,
    roots,
    tasks,
    phases,
    slots: chance.between('slots', 1, 4),
    replicas: chance.hit('two', 0.3) ? 2 : 1,
    lagMs: strict ? 0 : chance.pick('lag', [20, 400, 3_000, 8_000]),
    patienceMs: chance.hit('impatient', 0.15) ? 30_000 : 7_200_000,
    hintLoss: chance.pick('loss', [0, 0.2, 0.6]),
    hintDuplicates: chance.pick('duplicates', [0, 0.3]),
    holds: chance.pick('holds', [0, 0, 0.2]),
    fails: chance.pick('fails', [0, 0, 0.15, 0.4]),
    errors: chance.pick('errors', [0, 0, 0.15]),
    forgets: chance.pick('forgets', [0, 0, 0, 0.3]),
  };
};

const planTasks = (chance: Chance, roots: readonly string[]): TaskPlan[] => {
  const count = chance.between('tasks', 2, 9);
  const loops = chance.hit('loops', 0.2);
  const shared = chance.hit('shared', 0.2);
  const plans: TaskPlan[] = [];
  const outputsOf = (index: number) => [`${registry}/t${index}:1`];
  for (let index = 0; index < count; index += 1) {
    const outputs = outputsOf(index);
    if (chance.hit('second output', 0.2)) outputs.push(`${registry}/t${index}:2`);
    // Two tasks that push one tag.
    if (shared && index > 0 && chance.hit('shared tag', 0.3)) outputs.push(plans[index - 1]!.outputs[0]!);
    const above = plans.flatMap((plan) => plan.outputs);
    const inputs: InputPlan[] = [];
    const wanted = chance.between('inputs', 1, 3);
    for (let input = 0; input < wanted; input += 1) {
      // Mostly the neighbour above: long chains, and with other inputs uneven diamonds.
      const near = plans.at(-1)?.outputs[0];
      const from = near && chance.hit('chain', 0.4) ? [near] : chance.hit('root', 0.35) ? roots : [...roots, ...above];
      const reference = chance.pick('input', from);
      const role = input === 0 || chance.hit('base', 0.3) ? 'base' : chance.pick('role', roles);
      if (!inputs.some((one) => one.reference === reference && one.role === role)) inputs.push({ reference, role });
    }
    if (chance.hit('pinned', 0.1)) {
      inputs.push({ reference: `${registry}/pinned:1@sha256:${'a'.repeat(64)}`, role: 'copy' });
    }
    if (loops && chance.hit('self', 0.15)) inputs.push({ reference: outputs[0]!, role: 'copy' });
    if (loops && chance.hit('back edge', 0.35)) {
      inputs.push({ reference: outputsOf(chance.between('back to', 0, count - 1))[0]!, role: 'base' });
    }
    // What is built for a platform stands on images that have it.
    const offered = platformsKnown.filter((platform) =>
      inputs.every(({ reference }) => {
        const pushers = plans.filter((plan) => plan.outputs.includes(reference));
        return pushers.every((plan) => plan.platforms.includes(platform));
      }),
    );
    if (offered.length === 0) {
      offered.push(...platformsKnown);
      inputs.splice(0, inputs.length, { reference: chance.pick('root instead', roots), role: 'base' });
    }
    // Two tasks that push one tag build the same platforms, or the last would take some from their dependants.
    const alike = plans.find((plan) => plan.outputs[0] === outputs.at(-1) && plan.name !== `t${index}`);
    plans.push({
      name: `t${index}`,
      inputs,
      outputs,
      platforms: alike?.platforms ?? (chance.hit('all platforms', 0.75) ? offered : [chance.pick('platform', offered)]),
      tracks: chance.pick('tracks', [
        'All',
        'All',
        'All',
        'All',
        'Runtime',
        'Runtime',
        'Runtime',
        'Runtime',
        'Runtime',
        'Nothing',
      ] as const),
      triggerEnabled: !chance.hit('trigger disabled', 0.06),
      enabled: !chance.hit('disabled', 0.08),
      built: !chance.hit('unbuilt', 0.06),
      yields: chance.pick('yields', ['content', 'content', 'fresh', 'constant'] as const),
      durationMs: chance.between('duration', 500, 60_000),
      team: chance.pick('team', ['platform', 'web', 'data']),
    });
  }
  return plans;
};

const roles = ['build', 'copy', 'mount', 'frontend'] as const;

const planAction = (chance: Chance, roots: Scenario['roots'], tasks: readonly TaskPlan[]): Action => {
  const { reference } = chance.pick('which root', roots);
  const { name: task, inputs } = chance.pick('which task', tasks);
  // Drawn apart, so that what else a seed does is what it was.
  const rare = chance.next('rare action');
  if (rare < 0.03) return { do: 'away', forMs: chance.between('away', 20_000, 300_000) };
  if (rare < 0.06) return { do: 'urge', reference };
  if (rare < 0.12) return { do: 'reset', afterMs: chance.between('reset', 1, 60_000) };
  const kind = chance.next('action');
  if (kind < 0.08) return { do: 'flurry', reference, gapMs: chance.between('gap', 50, 5_000) };
  if (kind < 0.42) {
    const platforms = chance.hit('one platform', 0.3) ? [chance.pick('moved', platformsKnown)] : platformsKnown;
    return { do: 'move', reference, platforms: [...platforms] };
  }
  if (kind < 0.51) return { do: 'return', reference };
  if (kind < 0.55) return { do: 'lack', reference, platform: chance.pick('lacks', platformsKnown) };
  if (kind < 0.63) return { do: 'run', task, overridden: chance.hit('overridden', 0.5) };
  if (kind < 0.67) return { do: 'cancel', task };
  if (kind < 0.72) return { do: 'restart', replica: chance.between('replica', 0, 1) };
  if (kind < 0.74) return { do: 'delete', task };
  if (kind < 0.76) return { do: 'create', task };
  if (kind < 0.79) return { do: 'replace', task };
  if (kind < 0.83) return { do: 'blink', task, forMs: chance.between('blink', 1, 3_000) };
  if (kind < 0.86) return { do: 'rewrite', task, reference, gapMs: chance.between('gap', 1, 8_000) };
  if (kind < 0.89) return { do: 'commit', task, reference };
  const change = chance.pick('change', ['argument', 'status', 'trigger', 'tracks', 'inputs'] as const);
  switch (change) {
    case 'argument':
      return { do: 'update', task, plan: {}, argument: true };
    case 'status':
      return { do: 'update', task, plan: { enabled: chance.hit('enable', 0.6) }, argument: false };
    case 'trigger':
      return { do: 'update', task, plan: { triggerEnabled: chance.hit('enable', 0.6) }, argument: false };
    case 'tracks':
      return {
        do: 'update',
        task,
        plan: { tracks: chance.pick('tracks', ['All', 'Runtime', 'Nothing']) },
        argument: false,
      };
    case 'inputs':
      return {
        do: 'update',
        task,
        plan: { inputs: [...inputs.slice(1), { reference, role: 'base' }] },
        argument: true,
      };
  }
};
