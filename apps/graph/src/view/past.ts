import { setImmediate as turn } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { PlinthError } from '#libs/contracts';
import { Mutex, type Clock, type EventLog, type RecordedEvent } from '#libs/event-log';
import type { Patience } from '../model/evaluate.js';
import { GraphProjection } from '../projection/graph-projection.js';
import type { GraphView } from './graph-view.js';

/** Where the past ends that is asked for: after this position, or before the first event that is later than `until`. */
interface Moment {
  readonly position: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** The log replayed up to a moment, in memory. */
class Replay {
  readonly projection = new GraphProjection();
  private readonly db = new Database(':memory:');
  position = 0;
  /** Time of the last event, in milliseconds. */
  time = 0;

  constructor() {
    this.db.exec(this.projection.schema);
    this.projection.open(this.db);
  }

  /** Takes events as far as the moment goes; answers whether it goes on after them. */
  readonly take = (events: readonly RecordedEvent[], { position, until }: Moment): boolean =>
    this.db.transaction(() => {
      let goesOn = true;
      for (const event of events) {
        goesOn = event.sequence <= position && Date.parse(event.time) <= until;
        if (!goesOn) break;
        this.projection.apply(event);
        this.position = event.sequence;
        this.time = Date.parse(event.time);
      }
      this.projection.flush();
      this.projection.takeUndecided();
      return goesOn && this.position < position;
    })();

  close(): void {
    this.db.close();
  }
}

/** How long a replayed past is kept after it was asked for, in milliseconds: the pages of one answer, and a look back. */
const keepMs = 600_000;
const invalid = (message: string): PlinthError =>
  new PlinthError('INVALID_ARGUMENT', message, [{ field: 'asOf', message }]);

/**
 * Answers questions about the past from the log itself: it is replayed as far as the moment goes, into a graph that is
 * in memory alone. One such graph is kept; a question about the same moment or a later one goes on from there.
 */
export class Past {
  private kept: Replay | undefined;
  private forget: (() => void) | undefined;
  private readonly mutex = new Mutex();

  constructor(
    private readonly log: EventLog,
    private readonly clock: Clock,
    private readonly patience: Patience,
  ) {}

  /**
   * @param asOf a position of the log, or a time (RFC 3339)
   * @param answer is given the graph as it was; it must not wait for anything
   * @throws PlinthError INVALID_ARGUMENT for a moment that the log does not have, FAILED_PRECONDITION when its
   *   beginning is in the archive
   */
  answer<T>(asOf: string, answer: (view: GraphView) => T): Promise<T> {
    return this.mutex.run('replay', async () => {
      const moment = await this.momentOf(asOf);
      const replay = await this.replayed(moment);
      const now = Number.isFinite(moment.until) ? moment.until : replay.time;
      return answer({ projection: replay.projection, position: replay.position, now, patience: this.patience });
    });
  }

  close(): void {
    this.forget?.();
    this.kept?.close();
    this.kept = undefined;
  }

  private async momentOf(asOf: string): Promise<Moment> {
    const { first, last } = await this.log.range();
    if (first > 1 && last > 0) {
      throw new PlinthError(
        'FAILED_PRECONDITION',
        `The log begins at ${first}: what was before is in the archive, and the past cannot be replayed from it. Ask without asOf.`,
      );
    }
    if (/^[0-9]+$/.test(asOf)) {
      const position = Number(asOf);
      if (position > last) throw invalid(`The log ends at ${last}; there is no position ${asOf} yet.`);
      return { position, until: Infinity };
    }
    const until = Date.parse(asOf);
    if (Number.isNaN(until)) throw invalid(`${asOf} is no time: expected one like 2026-11-23T14:00:00Z.`);
    if (until > this.clock.now().getTime()) throw invalid(`${asOf} is in the future: leave asOf out for now.`);
    return { position: last, until };
  }

  private async replayed(moment: Moment): Promise<Replay> {
    this.forget?.();
    this.forget = this.clock.setTimeout(() => this.close(), keepMs);
    if (this.kept && (this.kept.position > moment.position || this.kept.time > moment.until)) this.close();
    const replay = (this.kept ??= new Replay());
    if (replay.position >= moment.position) return replay;
    const reading = new AbortController();
    try {
      for await (const { events } of this.log.read({ after: replay.position, signal: reading.signal })) {
        if (!replay.take(events, moment)) break;
        // What is asked for now is answered between two batches.
        await turn();
      }
      return replay;
    } finally {
      reading.abort();
    }
  }
}
