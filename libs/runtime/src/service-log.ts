import { join } from 'node:path';
import {
  Commands,
  Projector,
  Snapshots,
  type Clock,
  type JetSurface,
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

/** How one service reads and writes the log: its projections, and the shell of its deciders. */
export class ServiceLog {
  readonly projector: Projector;
  readonly commands: Commands;
  readonly positions: Positions;
  private readonly snapshots: Snapshots;
  private snapshotAt = 0;

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
    void this.projector.failed.then(onFailure);
  }

  /** Opens the projections and waits until they have caught up once. */
  async start(): Promise<void> {
    await this.projector.start();
    const { last } = await this.options.jet.events.range();
    await this.projector.waitFor(last, { timeoutMs: 600_000 });
    this.snapshotAt = this.projector.position;
    this.projector.onBatch((_events, caughtUp) => {
      if (!caughtUp || this.projector.position - this.snapshotAt < snapshotEvery) return;
      this.snapshotAt = this.projector.position;
      void this.takeSnapshot();
    });
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
    return this.projector.stop();
  }
}
