import Database from 'better-sqlite3';
import { DeliverPolicy } from '@nats-io/jetstream';
import { streams } from '#libs/contracts';
import type { Jet } from '#libs/event-log';
import { finalRows, type Recorder } from './recorder.js';

export interface SameRows {
  readonly schema: string;
  readonly statements: readonly string[];
  readonly rows: readonly (readonly (readonly unknown[] | undefined)[])[];
  /** Statement and row numbers of each batch, one after the other. */
  readonly batches: readonly Uint32Array[];
  /** Writes in all. */
  readonly writes: number;
  /** Writes to rows that are not there in the end; the bare loop leaves them out. */
  readonly lost: number;
}

export const sameRows = (db: Database.Database, recorder: Recorder, schema: string): SameRows => {
  const rows = finalRows(db, recorder);
  let writes = 0;
  let lost = 0;
  const batches = recorder.batches.map((batch) => {
    const kept = batch.filter(({ statement, row }) => rows[statement]?.[row] !== undefined);
    writes += kept.length;
    lost += batch.length - kept.length;
    return Uint32Array.from(kept.flatMap(({ statement, row }) => [statement, row]));
  });
  return { schema, statements: recorder.statements, rows, batches, writes, lost };
};

/**
 * What a replay costs at the least: takes the messages in the same pulls and batches, parses each body, and writes the
 * same rows by the same statements, with the contents that they have in the end, in one transaction per batch.
 */
export const bareReplay = async (
  jet: Jet,
  file: string,
  same: SameRows,
  last: number,
  batch: number,
): Promise<void> => {
  const db = new Database(file);
  // The settings of the projector.
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma('wal_autocheckpoint = 16384');
  db.pragma('cache_size = -65536');
  db.pragma('temp_store = MEMORY');
  db.exec(same.schema);
  db.exec('CREATE TABLE checkpoint (position INTEGER NOT NULL); INSERT INTO checkpoint VALUES (0)');
  const statements = same.statements.map((sql) => db.prepare(sql));
  const checkpoint = db.prepare('UPDATE checkpoint SET position = ?');
  const write = db.transaction((position: number, writes: Uint32Array | undefined) => {
    for (let at = 0; writes !== undefined && at < writes.length; at += 2) {
      const statement = writes[at]!;
      statements[statement]!.run(...same.rows[statement]![writes[at + 1]!]!);
    }
    checkpoint.run(position);
  });
  const consumer = await jet.js.consumers.get(streams.events, { deliver_policy: DeliverPolicy.All });
  const messages = await consumer.consume({ max_messages: 5000 });
  let parsed: unknown[] = [];
  let number = 0;
  for await (const message of messages) {
    parsed.push(JSON.parse(message.string()));
    if (parsed.length < batch && message.seq < last) continue;
    write.immediate(message.seq, same.batches[number++]);
    parsed = [];
    if (message.seq >= last) break;
  }
  await messages.close();
  db.close();
};
