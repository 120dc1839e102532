import type { PushedImage, Snapshot, UsedInput } from '#libs/contracts';
import { errorDelayMs, stableOutputs, type QueuedRun } from '#libs/domain';
import type { Chance } from './chance.js';
import type { Agenda, SimulatedLog } from './log.js';
import { digestOf, indexOf, type SimulatedRegistry } from './registry.js';
import type { Runs } from './runs.js';
import type { TaskPlan } from './scenario.js';
import type { SimulatedWatcher } from './watcher.js';

interface Options {
  readonly log: SimulatedLog;
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly registry: SimulatedRegistry;
  readonly runs: Runs;
  readonly watcher: Pick<SimulatedWatcher, 'usable'>;
  /** What a definition builds. */
  readonly planOf: (task: string, definitionHash: string) => TaskPlan;
  readonly lagMs: number;
  /** How a build that found its inputs ends. */
  readonly fate: (run: QueuedRun) => 'Done' | 'Failed' | 'Error';
  /** False plants a bug: what was replaced meanwhile is built on. */
  readonly checksPins: boolean;
}

/** Starts what is dispatched, checks the pins, builds, moves the tags. */
export class SimulatedBuilder {
  constructor(private readonly options: Options) {
    const { agenda, chance, log, runs } = options;
    log.onEvent((event) => {
      if (event.type !== 'run.cancel-requested') return;
      const { run } = event.data;
      agenda.in(chance.between('cancel', 1, 500), 2, () => {
        const { phase, attempt } = runs.get(run);
        // One that has begun to move tags brings that to its end.
        if (phase === 'Started') runs.do(run, { type: 'canceled', run, attempt, reason: 'Requested', message: '' });
      });
    });
  }

  /** A message of the work queue comes. */
  start(run: string, dispatched: number): void {
    const { agenda, chance, lagMs } = this.options;
    agenda.in(lagMs > 0 ? chance.between('start', 0, lagMs) : 0, 2, () => this.begin(run, dispatched));
  }

  private begin(run: string, dispatched: number): void {
    const { agenda, chance, runs, watcher, checksPins } = this.options;
    const held = { builder: 'b', slot: 0, engine: 'docker', isolation: 'oci' as const };
    if (!runs.do(run, { type: 'start', run, dispatched, ...held })) return;
    const { queued, attempt } = runs.get(run);
    if (!queued) return;
    const moved = queued.pins.some(
      ({ reference, digest, platforms }) => watcher.usable(reference, Object.keys(platforms))?.digest !== digest,
    );
    const plan = this.options.planOf(queued.task ?? '', queued.definitionHash);
    const inputs = this.resolve(queued, plan);
    if (moved && checksPins) {
      agenda.in(chance.between('check', 1, 50), 2, () => {
        runs.do(run, { type: 'canceled', run, attempt, reason: 'Superseded', message: 'an input moved' });
      });
    } else {
      const takes = plan.durationMs + chance.between('jitter', 0, 500);
      agenda.in(takes, 2, () => this.finish(queued, attempt, plan, inputs));
    }
  }

  private resolve({ definition, pins }: QueuedRun, plan: TaskPlan): UsedInput[] | null {
    const { registry, watcher } = this.options;
    const { platforms } = definition;
    const inputs: UsedInput[] = [];
    for (const { reference, role } of plan.inputs) {
      const pinned = pins.find((pin) => pin.reference === reference);
      const content = registry.get(reference);
      const whole = content && platforms.every((one) => one in content.platforms) ? content : undefined;
      const from = pinned ?? watcher.usable(reference, platforms) ?? whole;
      if (!from) return null;
      const digests = Object.fromEntries(platforms.map((one) => [one, from.platforms[one] ?? from.digest]));
      inputs.push({ reference, role, via: 'direct', digest: from.digest, platforms: digests });
    }
    return inputs;
  }

  private finish(queued: QueuedRun, attempt: number, plan: TaskPlan, inputs: UsedInput[] | null): void {
    const { agenda, chance, runs } = this.options;
    const { run } = queued;
    const now = runs.get(run);
    if (now.phase !== 'Started' || now.attempt !== attempt) return;
    const fate = this.options.fate(queued);
    if (fate === 'Error') {
      const retryAt = new Date(agenda.now + errorDelayMs(attempt)).toISOString();
      runs.do(run, { type: 'error', run, attempt, reason: 'the registry does not answer', retryAt });
      return;
    }
    if (!inputs || fate === 'Failed') {
      const code = inputs ? 'STEP_FAILED' : 'BASE_NOT_FOUND';
      runs.do(run, { type: 'fail', run, attempt, code, reason: 'exit code 1' });
      return;
    }
    const outputs = this.push(queued, plan, inputs);
    runs.do(run, { type: 'built', run, attempt, built: { outputs, inputs, sourceRevision: null } });
    // The tags move before the log says so; a hint of that may be quicker.
    agenda.in(chance.between('succeeded', 0, 1_200), 2, () => {
      runs.do(run, { type: 'succeed', run, attempt, unchanged: false });
    });
  }

  private push(queued: QueuedRun, plan: TaskPlan, inputs: readonly UsedInput[]): PushedImage[] {
    const image = built(queued, plan, inputs);
    return stableOutputs(queued.definition).map((reference) => {
      this.options.registry.put(reference, image);
      return { reference, ...image };
    });
  }
}

/** What comes out: by its inputs alone, always the same, or something else each time. */
export const built = (queued: QueuedRun, plan: TaskPlan, inputs: readonly UsedInput[]): Snapshot => {
  const { run, task, definition, definitionHash, overridden } = queued;
  const once = overridden || plan.yields === 'fresh' ? run : '';
  const counted = plan.yields === 'constant' ? [] : inputs;
  const manifest = (platform: string) =>
    digestOf(
      JSON.stringify([
        task,
        plan.yields === 'constant' ? '' : definitionHash,
        once,
        platform,
        counted.map((input) => input.platforms[platform]),
      ]),
    );
  return indexOf(Object.fromEntries(definition.platforms.map((platform) => [platform, manifest(platform)])));
};
