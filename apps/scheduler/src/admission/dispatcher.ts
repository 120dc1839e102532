import { runDecider, type RunState } from '#libs/domain';
import type { AggregateStore, Clock, Commands, DispatchQueue, KvBucket, Logger } from '#libs/event-log';
import { BuilderPresence } from '#libs/runtime';
import { planDispatch, type Candidate } from './plan.js';
import { PoolPresence } from './pool-presence.js';

export interface DispatcherDependencies {
  readonly runs: AggregateStore<RunState>;
  /** Runs that are queued or running. */
  readonly activeRuns: () => Iterable<string>;
  readonly commands: Commands;
  readonly queue: DispatchQueue;
  readonly leases: KvBucket;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A run that is dispatched and not started after this long is sent again; a copy costs nothing. */
const resendMs = 30_000;
/** How often it is asked whether the queue still has the messages of the runs that are being built. */
const lostMs = 60_000;
const tickMs = 1000;

/**
 * Gives queued runs to builders: `run.dispatched` first, the message of the work queue after it. Builders say how many
 * slots they have.
 */
export class Dispatcher {
  private readonly builders: BuilderPresence;
  private readonly sentAt = new Map<string, number>();
  private readonly presence = new PoolPresence();
  private checkedAt = 0;
  private running = false;
  private again = false;
  private readonly stopping = new AbortController();

  constructor(private readonly with_: DispatcherDependencies) {
    this.builders = new BuilderPresence(with_.leases, with_.clock);
  }

  async start(): Promise<void> {
    await this.builders.watch(this.stopping.signal, () => this.wake());
    this.tick();
  }

  stop(): void {
    this.stopping.abort();
  }

  /** Slots of the builders that are alive, by pool. */
  slots(): Map<string, number> {
    return this.builders.slots();
  }

  wake(): void {
    if (this.running) this.again = true;
    else void this.work();
  }

  /** Time alone makes runs ready: a retry that is due, a message that was lost. */
  private tick(): void {
    if (this.stopping.signal.aborted) return;
    this.wake();
    this.with_.clock.setTimeout(() => this.tick(), tickMs);
  }

  private async work(): Promise<void> {
    this.running = true;
    do {
      this.again = false;
      try {
        await this.once();
      } catch (error) {
        this.with_.logger.warn({ error: String(error) }, 'cannot dispatch; trying again');
      }
    } while (this.again && !this.stopping.signal.aborted);
    this.running = false;
  }

  private async once(): Promise<void> {
    const { runs, commands, queue, clock } = this.with_;
    const now = clock.now().getTime();
    const candidates = [...this.with_.activeRuns()].map((run) => ({ run, ...runs.get(run) }));
    for (const { run, state } of candidates) {
      if (state.phase !== 'Dispatched' || !state.queued) continue;
      const sent = this.sentAt.get(run);
      if (sent !== undefined && now - sent < resendMs) continue;
      await queue.send(state.queued.definition.agentPoolName, { run, attempt: state.dispatched });
      this.sentAt.set(run, now);
    }
    for (const run of this.sentAt.keys()) if (runs.get(run).state.phase !== 'Dispatched') this.sentAt.delete(run);
    await this.sendLost(candidates, now);
    const slots = this.slots();
    await this.sayUnplaced(candidates, slots, now);
    for (const { run, pool } of planDispatch(candidates, slots, now)) {
      await commands.execute(runs, runDecider, run, { type: 'dispatch', pool }, {});
      const { state } = runs.get(run);
      if (state.phase !== 'Dispatched') continue;
      await queue.send(pool, { run, attempt: state.dispatched });
      this.sentAt.set(run, now);
    }
  }

  /** A run that is being built has its message in the queue until it ends. One that has none gets it again. */
  private async sendLost(candidates: readonly Candidate[], now: number): Promise<void> {
    const { queue, logger } = this.with_;
    if (now - this.checkedAt < lostMs) return;
    this.checkedAt = now;
    const running = candidates.filter(({ state }) => state.phase === 'Started' || state.phase === 'Built');
    if (running.length === 0) return;
    const held = new Set((await queue.held()).map(({ run, attempt }) => `${run}.${attempt}`));
    for (const { run, state } of running) {
      if (!state.queued || held.has(`${run}.${state.dispatched}`)) continue;
      logger.warn({ run, attempt: state.attempt }, 'the message of a run that is being built was lost; sent again');
      await queue.send(state.queued.definition.agentPoolName, { run, attempt: state.dispatched });
    }
  }

  /** What no builder will take must hold nobody: the graph hears of it by an event. */
  private async sayUnplaced(
    candidates: readonly Candidate[],
    slots: ReadonlyMap<string, number>,
    now: number,
  ): Promise<void> {
    const { runs, commands } = this.with_;
    const waiting = candidates.filter(({ state }) => state.phase === 'Queued' || state.phase === 'Dispatched');
    const absent = this.presence.absent(waiting.map(poolOf), slots, now);
    for (const candidate of waiting) {
      if (candidate.state.unplaced || !absent.has(poolOf(candidate))) continue;
      await commands.execute(runs, runDecider, candidate.run, { type: 'unplaced' }, {});
    }
  }
}

const poolOf = ({ state }: Candidate): string => state.queued?.definition.agentPoolName ?? '';
