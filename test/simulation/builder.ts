import type { PushedImage, Snapshot, UsedInput } from '#libs/contracts';
import { stableOutputs } from '#libs/domain';
import type { Chance } from './chance.js';
import type { Agenda, SimulatedLog } from './log.js';
import { digestOf, indexOf, type SimulatedRegistry } from './registry.js';
import type { SimulatedRun } from './runs.js';
import type { TaskPlan } from './scenario.js';
import type { SimulatedWatcher } from './watcher.js';

interface Options {
  readonly log: SimulatedLog;
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly registry: SimulatedRegistry;
  readonly watcher: Pick<SimulatedWatcher, 'usable'>;
  /** What a definition builds. */
  readonly planOf: (task: string, definitionHash: string) => TaskPlan;
  readonly lagMs: number;
  /** How a build that found its inputs ends. */
  readonly fate: (run: SimulatedRun) => 'Done' | 'Failed' | 'Error';
  /** False plants a bug: what was replaced meanwhile is built on. */
  readonly checksPins: boolean;
}

/** Starts what is dispatched, checks the pins, builds, moves the tags. */
export class SimulatedBuilder {
  constructor(private readonly options: Options) {}

  start(run: SimulatedRun, attempt = 1): void {
    const { agenda, chance, lagMs } = this.options;
    agenda.in(lagMs > 0 ? chance.between('start', 0, lagMs >> 2) : 0, 2, () => this.begin(run, attempt));
  }

  private begin(run: SimulatedRun, attempt: number): void {
    const { agenda, chance, log, watcher, checksPins } = this.options;
    if (run.state === 'Over') return;
    const held = { builder: 'b', slot: 0, engine: 'docker', isolation: 'oci' as const };
    log.append({ kind: 'run', id: run.run }, 'run.started', { run: run.run, attempt, ...held });
    const moved = run.queued.pins.some(
      ({ reference, digest, platforms }) => watcher.usable(reference, Object.keys(platforms))?.digest !== digest,
    );
    const plan = this.options.planOf(run.task, run.queued.definitionHash);
    const inputs = this.resolve(run, plan);
    if (moved && checksPins) {
      agenda.in(chance.between('check', 1, 50), 2, () => {
        if (run.state === 'Over') return;
        const why = { attempt, reason: 'Superseded' as const, message: 'an input moved' };
        log.append({ kind: 'run', id: run.run }, 'run.canceled', { run: run.run, task: run.task, ...why });
      });
    } else
      agenda.in(plan.durationMs + chance.between('jitter', 0, 500), 2, () => this.finish(run, attempt, plan, inputs));
  }

  private resolve(run: SimulatedRun, plan: TaskPlan): UsedInput[] | null {
    const { registry, watcher } = this.options;
    const platforms = run.queued.definition.platforms;
    const inputs: UsedInput[] = [];
    for (const { reference, role } of plan.inputs) {
      const pinned = run.queued.pins.find((pin) => pin.reference === reference);
      const content = registry.get(reference);
      const whole = content && platforms.every((one) => one in content.platforms) ? content : undefined;
      const from = pinned ?? watcher.usable(reference, platforms) ?? whole;
      if (!from) return null;
      const digests = Object.fromEntries(platforms.map((one) => [one, from.platforms[one] ?? from.digest]));
      inputs.push({ reference, role, via: 'direct', digest: from.digest, platforms: digests });
    }
    return inputs;
  }

  private finish(run: SimulatedRun, attempt: number, plan: TaskPlan, inputs: UsedInput[] | null): void {
    const { agenda, chance, log } = this.options;
    if (run.state === 'Over') return;
    const { run: id, task } = run;
    const fate = this.options.fate(run);
    if (fate === 'Error') {
      const retry = { reason: 'the registry does not answer', retryAt: '1970-01-01T00:00:00Z' };
      log.append({ kind: 'run', id }, 'run.errored', { run: id, task, attempt, ...retry });
      return this.start(run, attempt + 1);
    }
    if (!inputs || fate === 'Failed') {
      const because = { code: inputs ? 'STEP_FAILED' : 'BASE_NOT_FOUND', reason: 'exit code 1' } as const;
      log.append({ kind: 'run', id }, 'run.failed', { run: id, task, attempt, ...because });
      return;
    }
    const outputs = this.push(run, plan, inputs);
    log.append({ kind: 'run', id }, 'run.built', { run: id, attempt, outputs, inputs, sourceRevision: null });
    // The tags move before the log says so; a hint of that may be quicker.
    agenda.in(chance.between('succeeded', 0, 1_200), 2, () => {
      if (run.state === 'Over') return;
      log.append({ kind: 'run', id }, 'run.succeeded', {
        run: id,
        task,
        attempt,
        outputs,
        inputs,
        sourceRevision: null,
        unchanged: false,
      });
    });
  }

  private push(run: SimulatedRun, plan: TaskPlan, inputs: readonly UsedInput[]): PushedImage[] {
    const image = built(run, plan, inputs);
    return stableOutputs(run.queued.definition).map((reference) => {
      this.options.registry.put(reference, image);
      return { reference, ...image };
    });
  }
}

/** What comes out: by its inputs alone, always the same, or something else each time. */
export const built = (run: SimulatedRun, plan: TaskPlan, inputs: readonly UsedInput[]): Snapshot => {
  const { definition, definitionHash, overridden } = run.queued;
  const once = overridden || plan.yields === 'fresh' ? run.run : '';
  const counted = plan.yields === 'constant' ? [] : inputs;
  const manifest = (platform: string) =>
    digestOf(
      JSON.stringify([
        run.task,
        plan.yields === 'constant' ? '' : definitionHash,
        once,
        platform,
        counted.map((input) => input.platforms[platform]),
      ]),
    );
  return indexOf(Object.fromEntries(definition.platforms.map((platform) => [platform, manifest(platform)])));
};
