import { join } from 'node:path';
import { streams } from '#libs/contracts';
import {
  Commands,
  isLogError,
  Projector,
  sleep,
  Snapshots,
  type Clock,
  type JetSurface,
  type LogErrorCode,
  type Logger,
  type Projection,
} from '#libs/event-log';
import { positionsOf, type Health, type Positions } from '#libs/service';

export interface ServiceLogOptions {
  /** Name of the service: of its database and of its health check. */
  readonly name: string;
  /** The log, and the store of snapshots. */
  readonly jet: JetSurface;
  /** Folder of the databases; may be lost. */
  readonly dataDir: string;
  readonly projections: readonly Projection[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  /** The projector cannot go on; the process should end and start anew. */
  readonly onFailure: (error: Error) => void;
}

/** Events after which a projection is stored anew, so that a replica on an empty disk need not replay them. */
const snapshotEvery = 100_000;
/** Errors that say: this event cannot be taken by what is installed. */
const unreadable: ReadonlySet<LogErrorCode> = new Set([
  'EVENT_UNKNOWN',
  'EVENT_FROM_THE_FUTURE',
  'EVENT_INVALID',
  'PROJECTION_FAILED',
]);
/** A wait for the head of the log, in milliseconds; it is waited again. */
const waitMs = 600_000;

/** How one service reads and writes the log: its projections, and the shell of its deciders. */
export class ServiceLog {
  readonly projector: Projector;
  readonly commands: Commands;
  readonly positions: Positions;
  private readonly snapshots: Snapshots;
  private snapshotAt = 0;
  private stopped = false;

  constructor(private readonly options: ServiceLogOptions) {
    const { name, jet, dataDir, projections, clock, logger, health, onFailure } = options;
    const log = jet.events;
    this.snapshots = new Snapshots({ objects: jet.objects('snapshots'), logger });
    const file = join(dataDir, `${name}.sqlite`);
    this.projector = new Projector({ log, file, projections, snapshots: this.snapshots, clock, logger });
    this.commands = new Commands({ log, projector: this.projector });
    this.positions = positionsOf(this.projector);
    health.register(`${name} log`, () =>
      this.projector.caughtUp
        ? undefined
        : `${name} has read the log up to ${this.projector.position} and is catching up.`,
    );
    void this.projector.failed.then((error) => {
      void this.bury(error);
      onFailure(error);
    });
  }

  /**
   * Opens the projections and waits until they have caught up once, however long that takes: who decides on half of the
   * log says what was true long ago.
   *
   * @throws the reason when the projector had to stop
   */
  async start(): Promise<void> {
    const { projector } = this;
    await projector.start();
    const { last } = await this.options.jet.events.range();
    const failed = projector.failed.then((error) => {
      throw error;
    });
    failed.catch(() => undefined); // after the start it is `onFailure` that is told
    for (;;) {
      // The failure comes first: who has failed answers every wait with `false`, at once.
      const reached = await Promise.race([failed, projector.waitFor(last, { timeoutMs: waitMs })]);
      if (reached || this.stopped) break;
      await sleep(this.options.clock, 1000);
    }
    this.snapshotAt = this.projector.position;
    this.projector.onBatch((_events, caughtUp) => {
      if (!caughtUp || this.projector.position - this.snapshotAt < snapshotEvery) return;
      this.snapshotAt = this.projector.position;
      void this.takeSnapshot();
    });
  }

  /** An event that stops the service is told among the dead letters: whoever looks there finds what stands still, and why. */
  private async bury(error: Error): Promise<void> {
    const { name, jet, logger } = this.options;
    if (!isLogError(error) || !unreadable.has(error.code)) return;
    const next = this.projector.position + 1;
    const letter = { kind: 'event', source: name, cause: error.message, subject: `${streams.events} ${next}` } as const;
    try {
      await jet.dead.add({ ...letter, payload: '', once: String(next) });
    } catch (failure) {
      logger.warn({ service: name, error: String(failure) }, 'a dead letter could not be kept');
    }
  }

  private async takeSnapshot(): Promise<void> {
    const { name, logger } = this.options;
    try {
      await this.snapshots.take(this.projector);
    } catch (error) {
      logger.warn(
        { service: name, error: String(error) },
        'a snapshot could not be stored; the next one is tried later',
      );
    }
  }

  stop(): Promise<void> {
    this.stopped = true;
    return this.projector.stop();
  }
}
