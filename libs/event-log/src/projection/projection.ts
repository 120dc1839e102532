import type Database from 'better-sqlite3';
import type { EntitySchema, MixedList } from 'typeorm';
import type { RecordedEvent } from '../log.js';

/** A read model: what it makes of each event, in tables of its own. */
export interface Projection {
  readonly name: string;
  /** Raised whenever the same events would give other rows; the file is then built anew. */
  readonly version: number;
  /** DDL of its tables, with IF NOT EXISTS. May be empty when `entities` say it. */
  readonly schema: string;
  /** TypeORM entities, for API queries; tables that `schema` does not make are made from these. */
  readonly entities?: MixedList<string | (new () => object) | EntitySchema>;
  /** Prepares statements and loads what it keeps in memory. */
  open(db: Database.Database): void;
  /** Inside the transaction of the batch. To throw is to stop the projector: nothing is ever skipped. */
  apply(event: RecordedEvent): void;
  /** At the end of the batch, still inside its transaction: what is written once per batch. */
  flush?(): void;
}
