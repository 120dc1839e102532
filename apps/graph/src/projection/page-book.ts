import type { Database, Statement } from 'better-sqlite3';
import type { Tables } from '../model/tables.js';

/** The tables of the model, a row for each page of what they are made of. */
export class PageBook {
  static readonly schema = `
    CREATE TABLE IF NOT EXISTS graph_page (part TEXT NOT NULL, page INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (part, page));
  `;
  private write!: Statement;

  /** Prepares, and puts into the tables what is stored. */
  open(db: Database, tables: Tables): void {
    this.write = db.prepare(
      `INSERT INTO graph_page VALUES (?, ?, ?) ON CONFLICT (part, page) DO UPDATE SET bytes = excluded.bytes`,
    );
    tables.load(
      db.prepare('SELECT part, page, bytes FROM graph_page').raw().iterate() as IterableIterator<
        [string, number, Uint8Array]
      >,
    );
  }

  flush(tables: Tables): void {
    for (const [part, page, bytes] of tables.takePages()) this.write.run(part, page, bytes);
  }
}
