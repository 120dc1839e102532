import { defaultPatience, type Patience } from '../../../apps/graph/src/model/evaluate.js';
import { GraphReplica, realGraph, type GraphParts } from '../../simulation/graph-replica.js';
import type { Chance } from '../../simulation/chance.js';
import type { Agenda, SimulatedLog } from '../../simulation/log.js';
import type { SimulatedRegistry } from '../../simulation/registry.js';
import type { Runs } from '../../simulation/runs.js';
import type { SimulatedScheduler } from '../../simulation/scheduler.js';
import type { BuildEstate } from './estate.js';
import { BenchWatcher } from './watcher.js';

export interface PolicyWorld {
  readonly agenda: Agenda;
  readonly log: SimulatedLog;
  readonly chance: Chance;
  readonly registry: SimulatedRegistry;
  readonly runs: Runs;
  readonly scheduler: SimulatedScheduler;
  readonly estate: BuildEstate;
}

/** Who decides what is built when a registry has something new. */
export interface BuildPolicy {
  readonly name: string;
  /** Takes its place in a world in which nothing has happened yet. */
  join(world: PolicyWorld): {
    /** A registry has another digest behind a tag. */
    readonly pushed: (reference: string) => void;
    /** What a build stands on; the registry itself, where the policy has no opinion. */
    readonly usable?: BenchWatcher['usable'];
  };
}

/** The graph's own model, evaluation and decider, behind the watcher's own policy and decider. */
export const plinth = (patience: Patience = defaultPatience, parts: GraphParts = realGraph): BuildPolicy => ({
  name: 'Plinth',
  join: (world) => {
    const watcher = new BenchWatcher(world);
    new GraphReplica({ ...world, name: 'graph', parts, patience, lagMs: 0 });
    return {
      pushed: (reference) => watcher.hint(reference),
      usable: (reference, platforms) => watcher.usable(reference, platforms),
    };
  },
});

/** One build of each direct dependant for every push that arrives: ACR's base image trigger, OpenShift's image change. */
export const edgeTriggered: BuildPolicy = {
  name: 'edge-triggered',
  join: ({ agenda, chance, scheduler, estate }) => {
    const dependants = dependantsOf(estate);
    return {
      pushed: (reference) =>
        agenda.in(chance.between('hint', 1, 900), 2, () => {
          for (const task of dependants.get(reference) ?? []) scheduler.queue(task);
        }),
    };
  },
};

/**
 * A task is built when the index digest of an image that it stands on is not the one that its last build used. While a
 * build of it is queued or running nothing is added; when that ends it is compared again.
 */
export const indexDigest: BuildPolicy = {
  name: 'index-digest',
  join: ({ agenda, chance, log, registry, runs, scheduler, estate }) => {
    const dependants = dependantsOf(estate);
    const used = new Map<string, ReadonlyMap<string, string>>();
    const compare = (task: string): void => {
      if (runs.activeOf(task).length > 0) return;
      for (const [reference, digest] of used.get(task) ?? []) {
        if (registry.get(reference)?.digest !== digest) return scheduler.queue(task);
      }
    };
    log.onEvent((event) => {
      if (event.type !== 'run.succeeded') return;
      const { task, inputs } = event.data;
      if (task === null) return;
      used.set(task, new Map(inputs.map(({ reference, digest }) => [reference, digest])));
      agenda.in(1, 2, () => compare(task));
    });
    return {
      pushed: (reference) =>
        agenda.in(chance.between('hint', 1, 900), 2, () => {
          for (const task of dependants.get(reference) ?? []) compare(task);
        }),
    };
  },
};

const dependantsOf = ({ tasks }: BuildEstate): Map<string, string[]> => {
  const dependants = new Map<string, string[]>();
  for (const { name, inputs } of tasks) {
    for (const reference of new Set(inputs.map((input) => input.reference))) {
      const list = dependants.get(reference);
      if (list) list.push(name);
      else dependants.set(reference, [name]);
    }
  }
  return dependants;
};
