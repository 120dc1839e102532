import type { Delivery, EventData } from '#libs/contracts';
import { Mutex, sleep, type Clock, type EventLog, type Logger, type RecordedEvent } from '#libs/event-log';
import { typesOf } from './event-types.js';
import { messageOf, type Message } from './payload.js';
import { withDelivery, type Lane, type Progress, type ProgressStore } from './progress.js';
import { waitAfter } from './retries.js';
import type { Outcome } from './sender.js';
import type { Replay, WebhookState } from './webhook.decider.js';

export interface WorkerPorts {
  readonly log: EventLog;
  readonly progress: ProgressStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** The task of a run; undefined for what is no run. */
  readonly taskOf: (event: RecordedEvent) => Promise<string | null | undefined>;
  /** Signs and posts once. Rejects when it cannot be tried, which is not the endpoint's fault. */
  readonly post: (state: WebhookState, message: Message, signal: AbortSignal) => Promise<Outcome>;
  readonly disable: (disabled: EventData<'webhook.disabled'> & { readonly enabledSince: number }) => Promise<void>;
}

/** A part of the log that is gone through. */
interface Walk {
  readonly after: number;
  readonly to: number;
  readonly replay: boolean;
  /** What it is to be at this place of it. */
  readonly at: (lane: Lane) => Partial<Progress>;
  readonly signal: AbortSignal;
}

/** Events of no interest after which the progress is written all the same. */
const skippedAtMost = 1000;
const troubleMs = 5_000;

/**
 * Delivers the events of the log to one webhook, in order, one after the other; what was asked for again goes beside. It
 * walks the log at its own pace, so that a slow endpoint makes nobody wait but itself. What it knows is written before
 * it waits and after each delivery: another process goes on where this one stopped, and at worst says one thing twice,
 * under the same id.
 */
export class WebhookWorker {
  private readonly stopping = new AbortController();
  /** Ends a try in flight, too. */
  private readonly abandoning = new AbortController();
  private readonly mutex = new Mutex();
  private readonly wanted: ReadonlySet<string>;
  private progress!: Progress;
  private revision = 0;
  private running: Promise<void> | undefined;

  constructor(
    private readonly name: string,
    private readonly state: WebhookState,
    private readonly ports: WorkerPorts,
  ) {
    this.wanted = typesOf(state.definition?.eventTypes ?? []);
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Resolves when nothing is under way any more. A try in flight is finished first, unless it is to be abandoned. */
  async stop({ abandon }: { readonly abandon: boolean }): Promise<void> {
    this.stopping.abort();
    if (abandon) this.abandoning.abort();
    await this.running;
  }

  private get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Goes on until it is stopped, or the webhook is disabled; trouble of ours is not counted against the endpoint. */
  private async run(): Promise<void> {
    const { clock, logger } = this.ports;
    while (!this.isStopping) {
      const round = new AbortController();
      const signal = AbortSignal.any([this.stopping.signal, round.signal]);
      const lanes: Promise<void>[] = [];
      try {
        await this.load();
        lanes.push(this.live(signal), this.replays(signal));
        await Promise.all(lanes);
        return;
      } catch (error) {
        if (this.isStopping) return;
        logger.warn({ webhook: this.name, err: error }, 'A webhook cannot be served now; it goes on in a moment.');
      } finally {
        round.abort();
        await Promise.allSettled(lanes);
      }
      await sleep(clock, troubleMs, this.stopping.signal);
    }
  }

  private async load(): Promise<void> {
    const { since, enabledSince } = this.state;
    const { progress, revision } = await this.ports.progress.load(this.name);
    this.revision = revision;
    const fresh: Progress = {
      since,
      enabledSince,
      live: { position: since, failing: null },
      replay: null,
      replayed: 0,
      deliveries: [],
    };
    const known = progress?.since === since ? progress : fresh;
    // Enabled anew, or at another address: what has failed is tried as if for the first time.
    this.progress =
      known.enabledSince === enabledSince
        ? known
        : {
            ...known,
            enabledSince,
            live: { ...known.live, failing: null },
            replay: known.replay && { ...known.replay, failing: null },
          };
  }

  private async live(signal: AbortSignal): Promise<void> {
    const { log, logger } = this.ports;
    const { first, last } = await log.range();
    const { position } = this.progress.live;
    if (position + 1 < first) {
      logger.warn({ webhook: this.name, position, first }, 'Events were archived before they were delivered.');
    }
    const after = Math.min(Math.max(position, first - 1), last);
    await this.walk({ after, to: Infinity, replay: false, at: (lane) => ({ live: lane }), signal });
  }

  private async replays(signal: AbortSignal): Promise<void> {
    for (const replay of this.state.replays) {
      if (replay.at <= this.progress.replayed) continue;
      if (!(await this.replay(replay, signal))) return;
      await this.save({ replay: null, replayed: replay.at });
    }
  }

  private async replay({ at, from, to }: Replay, signal: AbortSignal): Promise<boolean> {
    const { first } = await this.ports.log.range();
    if (this.progress.replay?.at !== at) {
      await this.save({ replay: { at, position: Math.max(from, first) - 1, failing: null } });
    }
    const after = this.progress.replay?.position ?? from - 1;
    return this.walk({ after, to, replay: true, at: (lane) => ({ replay: { ...lane, at } }), signal });
  }

  /** Delivers what is wanted of its part of the log. True when it came to the end. */
  private async walk(walk: Walk): Promise<boolean> {
    const { after, to, at, signal } = walk;
    if (after >= to) return true;
    let skipped = 0;
    for await (const { events } of this.ports.log.read({ after, signal })) {
      for (const event of events) {
        const position = event.sequence;
        if (position > to) return true;
        if (this.wanted.has(event.type)) {
          if (!(await this.deliver(event, walk))) return false;
          skipped = 0;
        } else if (++skipped >= skippedAtMost) {
          skipped = 0;
          await this.save(at({ position, failing: null }));
        }
        if (position >= to) return true;
      }
    }
    return false;
  }

  /** Tries until it is delivered: then true. False when it was stopped, or the webhook is disabled. */
  private async deliver(event: RecordedEvent, { replay, at, signal }: Walk): Promise<boolean> {
    const { clock, random, post, taskOf } = this.ports;
    const position = event.sequence;
    const message = messageOf(event, await taskOf(event));
    const known = (replay ? this.progress.replay : this.progress.live)?.failing;
    let failing = known?.position === position ? known : null;
    for (;;) {
      if (failing) await sleep(clock, Date.parse(failing.nextAttemptAt) - clock.now().getTime(), signal);
      if (signal.aborted) return false;
      const outcome = await post(this.state, message, this.abandoning.signal);
      if (this.abandoning.signal.aborted) return false;
      const attempts = (failing?.attempts ?? 0) + 1;
      const delivery = deliveryOf(message, position, replay, attempts, outcome, clock.now());
      const deliveries = withDelivery(this.progress.deliveries, delivery);
      if (outcome.ok) {
        await this.save({ ...at({ position, failing: null }), deliveries });
        return true;
      }
      const wait = outcome.httpStatus === 410 ? undefined : waitAfter(attempts, outcome.retryAfterMs, random());
      if (wait === undefined) {
        await this.save({ deliveries });
        await this.giveUp(position, outcome, attempts);
        return false;
      }
      const nextAttemptAt = new Date(clock.now().getTime() + wait).toISOString();
      failing = { position, attempts, nextAttemptAt, error: outcome.error ?? '' };
      await this.save({ ...at({ position: position - 1, failing }), deliveries });
    }
  }

  private async giveUp(position: number, { httpStatus, error }: Outcome, attempts: number): Promise<void> {
    const gone = httpStatus === 410;
    const message = gone
      ? 'The endpoint answered 410: it wants nothing more.'
      : `The event at ${position} was tried ${attempts} times; the last time ${error}.`;
    const { logger, disable } = this.ports;
    logger.warn({ webhook: this.name, position, message }, 'A webhook is disabled.');
    const { enabledSince } = this.state;
    await disable({ webhook: this.name, reason: gone ? 'Gone' : 'Exhausted', position, message, enabledSince });
  }

  private save(change: Partial<Progress>): Promise<void> {
    this.progress = { ...this.progress, ...change };
    return this.mutex.run(this.name, async () => {
      this.revision = await this.ports.progress.save(this.name, this.progress, this.revision);
    });
  }
}

export const deliveryOf = (
  message: Message,
  position: number,
  replay: boolean,
  attempts: number,
  { ok, httpStatus, error }: Outcome,
  now: Date,
): Delivery => ({
  position,
  messageId: message.id,
  type: message.type,
  outcome: ok ? 'Delivered' : 'Failed',
  attempts,
  at: now.toISOString(),
  httpStatus,
  error,
  replay,
});
