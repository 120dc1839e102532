import type Database from 'better-sqlite3';
import type { Projection, RecordedEvent } from '#libs/event-log';

/** A statement that changes a row: which table, by which statement, and which row. */
export interface Write {
  readonly statement: number;
  readonly row: number;
}

/** What a projection wrote, batch by batch, by the keys of the rows; contents are left out. */
export class Recorder {
  /** Text of each statement that wrote. */
  readonly statements: string[] = [];
  /** Key columns of each statement's parameters, as text, by statement and row number. */
  readonly keys: unknown[][][] = [];
  readonly batches: Write[][] = [[]];
  readonly #rows: Map<string, number>[] = [];

  /** The same projection, watched. */
  watch(projection: Projection): Projection {
    const { name, version, schema } = projection;
    return {
      name,
      version,
      schema,
      open: (db: Database.Database) => projection.open(this.#watched(db)),
      apply: (event: RecordedEvent) => projection.apply(event),
      flush: () => projection.flush?.(),
    };
  }

  /** Called when a batch is committed. */
  endBatch(): void {
    this.batches.push([]);
  }

  #watched(db: Database.Database): Database.Database {
    return new Proxy(db, {
      get: (target, name) => {
        if (name === 'prepare') return (sql: string) => this.#statement(target, sql);
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  #statement(db: Database.Database, sql: string): Database.Statement {
    const statement = db.prepare(sql);
    const key = keyOf(db, sql);
    if (key === undefined) return statement;
    const number = this.statements.push(sql) - 1;
    this.keys.push([]);
    this.#rows.push(new Map());
    const run = statement.run.bind(statement);
    statement.run = (...values: unknown[]) => {
      const own = key.map((at) => values[at]);
      this.batches.at(-1)!.push({ statement: number, row: this.#row(number, own) });
      return run(...values);
    };
    return statement;
  }

  #row(statement: number, key: unknown[]): number {
    const rows = this.#rows[statement]!;
    const text = key.length === 1 ? String(key[0]) : JSON.stringify(key);
    let row = rows.get(text);
    if (row === undefined) {
      row = this.keys[statement]!.push(key) - 1;
      rows.set(text, row);
    }
    return row;
  }
}

/**
 * Where the key of the row is among a statement's parameters: those of the primary key for an INSERT, which gives all
 * columns in the order of the table, and all of them for a DELETE or an UPDATE. Undefined for what does not write.
 */
const keyOf = (db: Database.Database, sql: string): number[] | undefined => {
  if (/^\s*SELECT\b/i.test(sql)) return undefined;
  const [, table] = /^\s*INSERT\s+(?:OR (?:REPLACE|IGNORE)\s+)?INTO\s+(\w+)/i.exec(sql) ?? [];
  if (table !== undefined) return primaryKey(db, table).map(({ cid }) => cid);
  if (/^\s*UPDATE \w+ SET \w+ = \? WHERE \w+ = \?\s*$/i.test(sql)) return [0, 1];
  if (/^\s*DELETE FROM \w+ WHERE \w+ = \?( AND \w+ = \?)*\s*$/i.test(sql)) {
    return [...sql.matchAll(/\?/g)].map((_mark, at) => at);
  }
  throw new Error(`The replay benchmark does not know how to write the same rows as: ${sql}`);
};

const primaryKey = (db: Database.Database, table: string): { cid: number; name: string }[] =>
  (db.pragma(`table_info(${table})`) as { cid: number; name: string; pk: number }[])
    .filter(({ pk }) => pk > 0)
    .sort((a, b) => a.pk - b.pk);

/**
 * The parameters with which the bare loop runs each statement: the final content of the row with the recorded key, or
 * undefined where the projection has no such row in the end.
 */
export const finalRows = (db: Database.Database, recorder: Recorder): (readonly unknown[] | undefined)[][] =>
  recorder.statements.map((sql, statement) => {
    const keys = recorder.keys[statement]!;
    const [, table] = /^\s*INSERT\s+(?:OR (?:REPLACE|IGNORE)\s+)?INTO\s+(\w+)/i.exec(sql) ?? [];
    if (table === undefined) return keys;
    const where = primaryKey(db, table).map(({ name }) => `${name} = ?`);
    const select = db.prepare(`SELECT * FROM ${table} WHERE ${where.join(' AND ')}`).raw();
    return keys.map((key) => select.get(...key) as unknown[] | undefined);
  });
