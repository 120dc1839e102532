import type Database from 'better-sqlite3';

/** Tables that hold no facts of the log: the projector's own, and what is remembered of looks. */
const notProjected = new Set(['checkpoint', 'look']);

/** Every row of every projected table as text, in order: two databases with the same facts give the same bytes. */
export const rowsOf = (db: Database.Database): string => {
  const tables = db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    .pluck()
    .all() as string[];
  return tables
    .filter((table) => !notProjected.has(table) && !table.startsWith('sqlite_'))
    .map((table) => {
      const rows = db.prepare(`SELECT * FROM "${table}"`).all();
      return [table, ...rows.map((row) => JSON.stringify(row)).sort()].join('\n');
    })
    .join('\n\n');
};
