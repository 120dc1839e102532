import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { errorDelayMs, isAttemptLost, type RunCommand } from '#libs/domain';
import { isLogError, sleep, type EventLog } from '#libs/event-log';
import type { Engine } from '../engines/engine.js';
import type { BuilderMetrics, DispatchedRun, Dispatches, LogSink, RunCommands, SecretRedactor } from '../ports.js';
import { Attempt, type AttemptTools } from './attempt.js';
import { AttemptStopped } from './failure.js';
import { Lease } from './lease.js';
import { LogWriter } from './log-writer.js';
import type { Outcome } from './outcome.js';

export interface WorkerOptions extends AttemptTools {
  readonly log: Pick<EventLog, 'range'>;
  readonly commands: RunCommands;
  readonly dispatch: Dispatches;
  readonly logs: LogSink;
  readonly redactor: SecretRedactor;
  readonly engine: Pick<Engine, 'name' | 'isolation'>;
  readonly builderId: string;
  readonly pool: string;
  readonly slots: number;
  readonly workDir: string;
  /** Milliseconds; must be the ack wait of the pool's queue. */
  readonly ackWaitMs: number;
  readonly metrics?: BuilderMetrics | undefined;
}

/** How long a message waits for its run to be known here. */
const knownWithinMs = 30_000;
const appendAgainMs = 1_000;

/** Takes dispatched runs of a pool, as many at a time as there are slots, and sees each attempt to its end. */
export class Worker {
  #consumer: { close(): Promise<void> } | undefined;
  readonly #free: number[];
  readonly #attempts = new Set<Attempt>();
  readonly #working = new Set<Promise<void>>();
  #stopping = false;

  constructor(private readonly options: WorkerOptions) {
    this.#free = Array.from({ length: options.slots }, (_, slot) => slot);
  }

  get running(): number {
    return this.#attempts.size;
  }

  start(): void {
    const { dispatch, pool, slots, ackWaitMs } = this.options;
    this.#consumer = dispatch.consume(pool, { slots, ackWaitMs }, (message) => {
      const handled = this.#handle(message).finally(() => this.#working.delete(handled));
      this.#working.add(handled);
      return handled;
    });
  }

  /** Takes no more runs; builds are stopped and handed over at once, publishing is brought to its end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const closed = this.#consumer?.close();
    for (const attempt of this.#attempts) attempt.stop(shutdown());
    await Promise.all([closed, ...this.#working]);
  }

  async #handle(message: DispatchedRun): Promise<void> {
    const slot = this.#free.shift();
    if (slot === undefined || this.#stopping) return message.retry(0);
    try {
      await this.#inSlot(message, slot);
    } catch (error) {
      // Nothing is known to have happened: another try costs little.
      this.options.logger.error(
        { run: message.run, err: error },
        'A dispatched run could not be handled; it is tried again.',
      );
      message.retry(errorDelayMs(message.deliveries));
    } finally {
      this.#free.push(slot);
      this.#free.sort((a, b) => a - b);
    }
  }

  async #inSlot(message: DispatchedRun, slot: number): Promise<void> {
    const { clock, logger, ackWaitMs } = this.options;
    let attempt: Attempt | undefined;
    const lease = new Lease(message, {
      ackWaitMs,
      clock,
      logger,
      onLost: () => {
        logger.warn(
          { run: message.run },
          'The server did not confirm in time that it knows of our work: the attempt stops.',
        );
        attempt?.stop(new AttemptStopped('lease-lost', 'The hold on the run is over.'));
      },
    });
    try {
      // The message may have waited in a buffer while the server's clock ran.
      if (!(await lease.confirm())) return;
      await this.#untilKnown(message);
      const started = await this.#start(message, slot, lease);
      if (!started) return;
      const { queued, number, position, log } = started;
      attempt = new Attempt(this.options, {
        queued,
        attempt: number,
        startedAt: position,
        lease,
        log,
        directory: join(this.options.workDir, `slot-${slot}`, `${message.run}-${number}`),
        say: async (command) =>
          void (await this.#say(message.run, command, eventId(message.run, number, command.type), lease)),
      });
      this.#attempts.add(attempt);
      if (this.#stopping) attempt.stop(shutdown());
      const since = clock.monotonic();
      const outcome = await attempt.run();
      await this.#conclude(message, number, outcome, log, lease);
      this.options.metrics?.attemptEnded(outcome.type, attempt.strategy, (clock.monotonic() - since) / 1000);
    } finally {
      lease.close();
      if (attempt) this.#attempts.delete(attempt);
    }
  }

  /** The message may be here before the event that it follows. */
  async #untilKnown({ run, attempt }: DispatchedRun): Promise<void> {
    const { runs, log, progress } = this.options;
    if (runs.get(run).state.dispatched >= attempt) return;
    const { last } = await log.range();
    if (await progress.waitFor(last, { timeoutMs: knownWithinMs })) return;
    throw new Error(
      `Run ${run} is not known here yet: the projections are at ${progress.position}, the log is at ${last}.`,
    );
  }

  async #start(message: DispatchedRun, slot: number, lease: Lease) {
    const { runs, engine, builderId, logs, redactor, clock, logger } = this.options;
    const { run } = message;
    const command: RunCommand = {
      type: 'start',
      run,
      dispatched: message.attempt,
      builder: builderId,
      slot,
      engine: engine.name,
      isolation: engine.isolation,
    };
    try {
      const { sequence: position } = await this.#say(run, command, `${run}.start.${randomUUID()}`, lease);
      const { state } = runs.get(run);
      if (!state.queued) throw new Error(`Run ${run} was started and has no definition: its run.queued is missing.`);
      const log = new LogWriter(run, state.attempt, logs, redactor, clock, logger);
      log.say(
        `Attempt ${state.attempt} on builder ${builderId}, slot ${slot}: engine ${engine.name}, isolation ${engine.isolation}.`,
      );
      return { queued: state.queued, number: state.attempt, position, log };
    } catch (error) {
      if (error instanceof AttemptStopped) return undefined;
      if (!isAttemptLost(error)) throw error;
      await this.#done(message, error.message);
      return undefined;
    }
  }

  async #conclude(
    message: DispatchedRun,
    attempt: number,
    outcome: Outcome,
    log: LogWriter,
    lease: Lease,
  ): Promise<void> {
    const { logger, clock, redactor } = this.options;
    const { run } = message;
    if (outcome.type === 'lost') {
      logger.info({ run, attempt }, outcome.message);
      await log.flush();
      return this.#leave(message, outcome.message);
    }
    if (outcome.type === 'released') {
      log.say('This builder is shutting down; another one takes the run over.');
      await log.flush();
      return message.retry(0);
    }
    const command = commandOf(run, attempt, outcome, clock.now(), (text) => redactor.redact(text), this.#seconds(run));
    log.say(sentenceOf(command));
    // Readers of the log come to its end when the run is over, so its lines go first.
    await log.flush();
    try {
      await this.#say(run, command, eventId(run, attempt, command.type), lease);
    } catch (error) {
      if (error instanceof AttemptStopped || isAttemptLost(error)) return this.#leave(message, error.message);
      throw error;
    }
    if (command.type !== 'error') await log.end();
    await message.ack();
    logger.info({ run, attempt, outcome: outcome.type }, 'An attempt is over.');
  }

  #seconds(run: string): number {
    return this.options.runs.get(run).state.queued?.definition.timeout ?? 0;
  }

  /**
   * The message of a run that another builder works on is that builder's lease, and to settle it from here would take
   * it away. Only a message that nobody needs any more is settled.
   */
  async #leave(message: DispatchedRun, why: string): Promise<void> {
    const { state } = this.options.runs.get(message.run);
    const running = state.phase === 'Started' || state.phase === 'Built';
    if (!running || state.dispatched !== message.attempt) await this.#done(message, why);
  }

  /** Settles a message that asks for nothing any more; one of a run that the log does not have is a dead letter. */
  async #done(message: DispatchedRun, why: string): Promise<void> {
    const { runs, logger } = this.options;
    if (runs.get(message.run).state.phase === 'None') return message.drop(why);
    logger.debug({ run: message.run, attempt: message.attempt }, why);
    await message.ack();
  }

  /** Appends, and again while the log cannot be reached, for as long as the run is ours: an outcome is not lost. */
  async #say(run: string, command: RunCommand, id: string, lease: Lease): Promise<{ readonly sequence: number }> {
    const { commands, clock, logger } = this.options;
    for (;;) {
      try {
        return await commands.execute(run, command, { eventId: id });
      } catch (error) {
        if (!isPassing(error)) throw error;
        logger.warn(
          { run, command: command.type, err: error },
          'The log did not take an event of a run; it is tried again.',
        );
      }
      await sleep(clock, appendAgainMs);
      if (!lease.alive()) {
        throw new AttemptStopped(
          'lease-lost',
          `The log could not be reached to say "${command.type}" while the run was ours.`,
        );
      }
    }
  }
}

/** What passes by itself: the server is away or full, or the state after a conflict is not here yet. */
const isPassing = (error: unknown): boolean =>
  isLogError(error, 'LOG_UNREACHABLE') ||
  isLogError(error, 'LOG_FULL') ||
  (error instanceof Error && ['PROJECTION_BEHIND', 'CONFLICT'].includes((error as { code?: string }).code ?? ''));

const shutdown = (): AttemptStopped => new AttemptStopped('shutdown', 'This builder is shutting down.');

/** The same for each try to append it, and for no other event. */
const eventId = (run: string, attempt: number, type: RunCommand['type']): string => `${run}.${attempt}.${type}`;

type Final = Extract<RunCommand, { type: 'succeed' | 'fail' | 'time-out' | 'canceled' | 'error' }>;

const commandOf = (
  run: string,
  attempt: number,
  outcome: Exclude<Outcome, { type: 'lost' | 'released' }>,
  now: Date,
  redact: (text: string) => string,
  seconds: number,
): Final => {
  switch (outcome.type) {
    case 'succeeded':
      return { type: 'succeed', run, attempt, unchanged: outcome.unchanged };
    case 'failed':
      return { type: 'fail', run, attempt, code: outcome.code, reason: redact(outcome.reason) };
    case 'timed-out':
      return { type: 'time-out', run, attempt, seconds };
    case 'canceled':
      return { type: 'canceled', run, attempt, reason: outcome.reason, message: outcome.message };
    case 'errored': {
      const delay = Math.max(errorDelayMs(attempt), outcome.retryAfterMs);
      const retryAt = new Date(now.getTime() + delay).toISOString();
      return { type: 'error', run, attempt, reason: redact(outcome.reason), retryAt };
    }
  }
};

const sentenceOf = (command: Final): string => {
  switch (command.type) {
    case 'succeed':
      return command.unchanged ? 'Succeeded; every tag had this digest before.' : 'Succeeded.';
    case 'fail':
      return `Failed (${command.code}): ${command.reason}`;
    case 'time-out':
      return `Given up: it took longer than its timeout of ${command.seconds} s.`;
    case 'canceled':
      return `Canceled: ${command.message}`;
    case 'error':
      return `Something on our side failed: ${command.reason.replace(/[.\s]*$/, '.')} It is tried again at ${command.retryAt}.`;
  }
};
