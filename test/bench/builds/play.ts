import { definitionHash, type QueuedRun } from '#libs/domain';
import { SimulatedBuilder } from '../../simulation/builder.js';
import { Chance } from '../../simulation/chance.js';
import { definitionOf } from '../../simulation/definition.js';
import { Agenda, SimulatedLog } from '../../simulation/log.js';
import { SimulatedRegistry } from '../../simulation/registry.js';
import { Runs } from '../../simulation/runs.js';
import { realScheduler, SimulatedScheduler } from '../../simulation/scheduler.js';
import type { BuildEstate, EstateTask, Publication } from './estate.js';
import type { Change } from './least.js';
import type { BuildPolicy } from './policies.js';

export interface Played {
  /** Builds that made an image. */
  readonly builds: number;
  /** Builds that failed, their retries included. */
  readonly failed: number;
  /** Tasks that do not stand on what the registry has when nothing happens any more. */
  readonly left: number;
  /** Virtual milliseconds from the first publication to the last success. */
  readonly tookMs: number;
  /** Starts of the builds of each task that made an image. */
  readonly starts: ReadonlyMap<string, readonly number[]>;
  /** What dependants got of outside images, and when. */
  readonly adopted: readonly Change[];
}

const endless = 5_000_000;

/** Has an estate, each task of which is built once, live through some publications under a policy. */
export const play = (estate: BuildEstate, publications: readonly Publication[], policy: BuildPolicy): Played => {
  const agenda = new Agenda();
  const log = new SimulatedLog(agenda);
  const chance = new Chance(1);
  const runs = new Runs(log);
  let pushed: (reference: string) => void = () => undefined;
  const registry = new SimulatedRegistry((reference) => pushed(reference));
  const scheduler: SimulatedScheduler = new SimulatedScheduler({
    agenda,
    log,
    chance,
    runs,
    parts: realScheduler,
    slots: () => Infinity,
    lagMs: 0,
    start: (run, attempt) => builder.start(run, attempt),
  });
  const joined = policy.join({ agenda, log, chance, registry, runs, scheduler, estate });
  const plans = new Map(estate.tasks.map((task) => [task.name, task]));
  const fates = new Fates(plans);
  const builder: SimulatedBuilder = new SimulatedBuilder({
    agenda,
    log,
    chance,
    registry,
    runs,
    watcher: { usable: joined.usable ?? ((reference) => registry.get(reference)) },
    planOf: (task) => plans.get(task)!,
    lagMs: 0,
    checksPins: true,
    fate: (run) => fates.of(run),
  });
  pushed = joined.pushed;
  const rest = () => {
    while (agenda.step()) if (log.events.length > endless) throw new Error(`${policy.name} never comes to rest.`);
  };

  for (const { reference, platforms } of estate.roots) registry.move(reference, platforms);
  for (const task of estate.tasks) {
    const definition = definitionOf(task, 0);
    const hash = definitionHash(definition);
    log.append({ kind: 'task', id: task.name }, 'task.created', { definition, definitionHash: hash, by: 'ada' });
    log.append({ kind: 'task', id: task.name }, 'task.scanned', {
      task: task.name,
      definitionHash: hash,
      sourceRevision: null,
      status: 'Known',
      reason: null,
      inputs: task.inputs.map(({ reference, role }, line) => {
        const places = { stage: null, line, platforms: [...task.platforms], pinned: false };
        return { reference, role, via: 'direct' as const, ...places };
      }),
    });
  }
  rest();
  // One after the other, from the top: each is built on what is there.
  fates.none = true;
  for (const { name } of estate.tasks) {
    pushed = () => undefined;
    scheduler.queue(name);
    pushed = joined.pushed;
    rest();
  }
  fates.none = false;
  const began = agenda.now;
  const seeded = log.events.length;

  for (const { afterMs, reference, platforms } of publications) {
    agenda.in(afterMs, 2, () => registry.move(reference, platforms));
  }
  rest();

  const starts = new Map<string, number[]>();
  const startedAt = new Map<string, number>();
  const adopted: Change[] = [];
  const outside = new Set(estate.roots.map(({ reference }) => reference));
  let [builds, failed, tookMs] = [0, 0, 0];
  for (const { type, data, time } of log.events.slice(seeded)) {
    const at = Date.parse(time);
    if (type === 'run.started') startedAt.set(data.run, at);
    else if (type === 'run.failed') failed += 1;
    else if (type === 'tag.adopted' && outside.has(data.reference)) adopted.push({ reference: data.reference, at });
    else if (type === 'run.succeeded') {
      builds += 1;
      tookMs = at - began;
      const list = starts.get(data.task!) ?? [];
      starts.set(data.task!, list);
      list.push(startedAt.get(data.run)!);
    }
  }
  return { builds, failed, left: leftStale(estate, registry, log), tookMs, starts, adopted };
};

/** Which builds fail: by what is built, not by when, so that it is the same under every policy. */
class Fates {
  /** Nothing fails. */
  none = false;
  private readonly tried = new Set<string>();

  constructor(private readonly plans: ReadonlyMap<string, EstateTask>) {}

  of({ task }: QueuedRun): 'Done' | 'Failed' {
    const { fate } = this.plans.get(task ?? '')!;
    if (this.none || fate === 'Done') return 'Done';
    if (fate === 'FailsAlways') return 'Failed';
    // Every other try fails.
    if (this.tried.delete(task ?? '')) return 'Done';
    this.tried.add(task ?? '');
    return 'Failed';
  }
}

/** By the registry alone: tasks whose last build used another image of a platform than the registry has now. */
const leftStale = (estate: BuildEstate, registry: SimulatedRegistry, log: SimulatedLog): number => {
  const stale = new Map<string, boolean>();
  for (const { type, data } of log.events) {
    if (type !== 'run.succeeded') continue;
    const differs = data.inputs.some(({ reference, platforms }) => {
      const now = registry.get(reference)?.platforms ?? {};
      return Object.entries(platforms).some(([platform, digest]) => now[platform] !== digest);
    });
    stale.set(data.task!, differs);
  }
  return estate.tasks.filter(({ name }) => stale.get(name)).length;
};
