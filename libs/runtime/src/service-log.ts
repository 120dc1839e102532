import { join } from 'node:path';
import { Commands, Projector, type Clock, type EventLog, type Logger, type Projection } from '#libs/event-log';
import { positionsOf, type Health, type Positions } from '#libs/service';

export interface ServiceLogOptions {
  /** Name of the service: of its database and of its health check. */
  readonly name: string;
  readonly log: EventLog;
  /** Folder of the databases; may be lost. */
  readonly dataDir: string;
  readonly projections: readonly Projection[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  /** The projector cannot go on; the process should end and start anew. */
  readonly onFailure: (error: Error) => void;
}

/** How one service reads and writes the log: its projections, and the shell of its deciders. */
export class ServiceLog {
  readonly projector: Projector;
  readonly commands: Commands;
  readonly positions: Positions;

  constructor(private readonly options: ServiceLogOptions) {
    const { name, log, dataDir, projections, clock, logger, health, onFailure } = options;
    this.projector = new Projector({ log, file: join(dataDir, `${name}.sqlite`), projections, clock, logger });
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
    const { last } = await this.options.log.range();
    await this.projector.waitFor(last, { timeoutMs: 600_000 });
  }

  stop(): Promise<void> {
    return this.projector.stop();
  }
}
