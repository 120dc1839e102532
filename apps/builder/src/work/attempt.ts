import { mkdir, rm } from 'node:fs/promises';
import type { Snapshot } from '#libs/contracts';
import type { BuiltRun, QueuedRun, RunCommand } from '#libs/domain';
import type { CrashPoint, Logger } from '#libs/event-log';
import { supersededPin } from '../pins/check-pins.js';
import type { ImageRegistry, Progress, RunStore } from '../ports.js';
import type { StandingOutputs } from '../projection/published.js';
import { moveTags, type Before } from '../publish/move-tags.js';
import { targetTags, type TargetTag } from '../publish/outputs.js';
import type { BuilderClock } from '../time.js';
import { AttemptStopped, isAttemptStopped } from './failure.js';
import type { Lease } from './lease.js';
import type { LogWriter } from './log-writer.js';
import { outcomeOf, type Outcome, type RegistryWork } from './outcome.js';
import type { RunWatch } from './run-watch.js';
import type { Attestor } from '../provenance/attestor.js';
import type { Strategy } from './strategies/strategy.js';

/** What every attempt of a builder works with. */
export interface AttemptTools {
  readonly runs: RunStore;
  readonly progress: Progress;
  readonly watch: RunWatch;
  readonly registry: ImageRegistry;
  readonly strategies: readonly Strategy[];
  readonly attestor: Pick<Attestor, 'attach'>;
  readonly clock: BuilderClock;
  readonly logger: Logger;
  readonly crashPoint: (name: CrashPoint) => void;
  readonly putTimeoutMs: number;
  adopted(reference: string): readonly Snapshot[];
  laterStarted(task: string, run: string): string | undefined;
  standingOf(task: string): StandingOutputs | undefined;
}

export interface AttemptOf {
  readonly queued: QueuedRun;
  readonly attempt: number;
  /** Position of its run.started. */
  readonly startedAt: number;
  readonly lease: Lease;
  readonly log: LogWriter;
  /** A place of its own on disk. */
  readonly directory: string;
  /** Appends an event of this attempt. @throws AttemptLostError, AttemptStopped lease-lost */
  say(command: RunCommand): Promise<void>;
}

/** How long the projection may take to reach our own run.started before the pins are judged. */
const catchUpMs = 60_000;

/** One attempt of a run, from run.started to its outcome. It says run.built itself; the outcome is the worker's to say. */
export class Attempt {
  /** Stops everything, also the moving of tags. */
  readonly #lost = new AbortController();
  /** Stops what comes before run.built; from there on the run's digests are decided and its tags are moved. */
  readonly #stop = new AbortController();
  #work: RegistryWork = 'reading';
  #strategy = 'build';

  constructor(
    private readonly tools: AttemptTools,
    private readonly of: AttemptOf,
  ) {}

  /** The way that was found to come by the image. */
  get strategy(): string {
    return this.#strategy;
  }

  /** Stops the attempt; the first reason counts. */
  stop(reason: AttemptStopped): void {
    this.#stop.abort(reason);
    if (reason.kind === 'lease-lost' || reason.kind === 'attempt-lost') this.#lost.abort(reason);
  }

  async run(): Promise<Outcome> {
    const { queued, attempt } = this.of;
    const unwatch = this.tools.watch.watch(queued.run, attempt, (reason) => this.stop(reason));
    try {
      const { built } = this.tools.runs.get(queued.run).state;
      return built ? await this.#publish(built.outputs, undefined) : await this.#make();
    } catch (error) {
      return this.#judge(error);
    } finally {
      unwatch();
      await rm(this.of.directory, { recursive: true, force: true });
    }
  }

  async #make(): Promise<Outcome> {
    const { queued, attempt, startedAt } = this.of;
    this.#stop.signal.throwIfAborted();
    if (queued.offer !== null) {
      const known = await this.tools.progress.waitFor(startedAt, { timeoutMs: catchUpMs, signal: this.#stop.signal });
      this.#stop.signal.throwIfAborted();
      if (!known) throw new Error('The projections of this builder are too far behind the log to judge the pins.');
      const message = supersededPin(queued.pins, (reference) => this.tools.adopted(reference));
      if (message !== undefined) return { type: 'canceled', reason: 'Superseded', message };
    }
    const tags = targetTags(queued);
    const built = await this.#withinTimeout((timeLeft) => this.#byStrategy(tags, timeLeft));
    this.tools.crashPoint('builder.pushed');
    this.#stop.signal.throwIfAborted();
    await this.of.say({ type: 'built', run: queued.run, attempt, built });
    this.tools.crashPoint('builder.built');
    return this.#publish(built.outputs, tags);
  }

  async #byStrategy(tags: readonly TargetTag[], timeLeft: () => number): Promise<BuiltRun> {
    const { queued, attempt, log } = this.of;
    const { clock, attestor } = this.tools;
    const startedAt = clock.now();
    await rm(this.of.directory, { recursive: true, force: true });
    await mkdir(this.of.directory, { recursive: true });
    const work = {
      queued,
      tags,
      directory: this.of.directory,
      log,
      signal: this.#stop.signal,
      timeLeft,
      doing: (now: RegistryWork) => {
        this.#work = now;
      },
    };
    for (const strategy of this.tools.strategies) {
      const plan = await strategy.applies(work);
      if (!plan) continue;
      this.#strategy = strategy.name;
      const built = await plan.make();
      this.#work = 'publishing';
      this.tools.crashPoint('builder.digest');
      const of = { queued, attempt, strategy: strategy.name, built, startedAt, finishedAt: clock.now() };
      await attestor.attach(of, log, this.#stop.signal);
      return built;
    }
    throw new Error('No strategy applies: the last one always has to.');
  }

  /** The task's timeout covers all that comes before run.built. */
  async #withinTimeout<T>(act: (timeLeft: () => number) => Promise<T>): Promise<T> {
    const { clock } = this.tools;
    const { timeout } = this.of.queued.definition;
    const end = clock.monotonic() + timeout * 1000;
    const cancel = clock.setTimeout(
      () => this.stop(new AttemptStopped('timed-out', `The run took longer than ${timeout} s.`)),
      timeout * 1000,
    );
    try {
      return await act(() => Math.max(1, end - clock.monotonic()));
    } finally {
      cancel();
    }
  }

  /** @param tags as this attempt made them; undefined when a former attempt built */
  async #publish(outputs: BuiltRun['outputs'], tags: readonly TargetTag[] | undefined): Promise<Outcome> {
    const { queued, log, lease } = this.of;
    const { task, run } = queued;
    if (!tags) log.say('An attempt before this one built the image; its tags are moved now.');
    this.#work = 'publishing';
    const before = await moveTags({
      registry: this.tools.registry,
      outputs,
      lease,
      putTimeoutMs: this.tools.putTimeoutMs,
      laterStarted: () => (task === null ? undefined : this.tools.laterStarted(task, run)),
      signal: this.#lost.signal,
      crashPoint: this.tools.crashPoint,
      onMoved: (reference, from) =>
        log.say(`${reference} moved ${from === null ? '' : `from ${from} `}to its new digest.`),
    });
    this.tools.crashPoint('builder.tagged');
    return { type: 'succeeded', unchanged: this.#unchanged(outputs, tags, before) };
  }

  /**
   * Whether every stable tag had its digest before the run. After a take-over the registry cannot tell, since the
   * former attempt may have moved tags already: then it is what the task's standing run left there.
   */
  #unchanged(outputs: BuiltRun['outputs'], own: readonly TargetTag[] | undefined, before: Before): boolean {
    const { queued } = this.of;
    const stable = new Set((own ?? targetTags(queued)).filter((tag) => tag.stable).map((tag) => tag.reference));
    const standing = own || queued.task === null ? undefined : this.tools.standingOf(queued.task);
    const was = (reference: string): string | null | undefined =>
      own ? before.get(reference) : standing?.outputs.find((output) => output.reference === reference)?.digest;
    const relevant = outputs.filter(({ reference }) => stable.has(reference));
    return relevant.length > 0 && relevant.every(({ reference, digest }) => was(reference) === digest);
  }

  #judge(error: unknown): Outcome {
    // An aborted call may fail in words of its own; why it was aborted is what counts.
    const { signal } = this.#lost;
    const stopped = signal.aborted ? signal : this.#stop.signal;
    const publishing = this.tools.runs.get(this.of.queued.run).state.phase === 'Built';
    const reason: unknown = stopped.aborted && (signal.aborted || !publishing) ? stopped.reason : error;
    const outcome = outcomeOf(reason, this.#work);
    if (outcome.type === 'errored' || (outcome.type === 'lost' && !isAttemptStopped(reason))) {
      this.tools.logger.warn(
        { run: this.of.queued.run, attempt: this.of.attempt, err: reason },
        'An attempt failed for a reason of ours.',
      );
    }
    return outcome;
  }
}
