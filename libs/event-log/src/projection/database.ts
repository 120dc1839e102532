import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type Database from 'better-sqlite3';
import { DataSource, type EntitySchema } from 'typeorm';
import type { Projection } from './projection.js';

/** Raised when the projector's own table changes. */
const layout = 1;

/** Names the file by what is in it: another version of any projection is another file. */
export const versionedFile = (file: string, projections: readonly Projection[]): string => {
  const what = projections.map(({ name, version, schema }) => JSON.stringify([name, version, schema])).sort();
  const hash = createHash('sha256')
    .update(JSON.stringify([layout, what]))
    .digest('hex')
    .slice(0, 12);
  return `${file.replace(/\.sqlite$/, '')}.${hash}.sqlite`;
};

const sidecars = ['', '-wal', '-shm', '-journal'];

export const removeDatabase = (path: string): void => {
  for (const suffix of sidecars) rmSync(path + suffix, { force: true });
};

/** Files of other versions of the same projector. */
export const otherVersions = (file: string, current: string): string[] => {
  const folder = dirname(current);
  const stem = basename(file).replace(/\.sqlite$/, '');
  if (!existsSync(folder)) return [];
  const own = new RegExp(`^${stem.replace(/[^A-Za-z0-9]/g, '\\$&')}\\.[0-9a-f]{12}\\.sqlite$`);
  return readdirSync(folder)
    .filter((name) => own.test(name) && name !== basename(current))
    .map((name) => join(folder, name));
};

export interface OpenDatabase {
  readonly dataSource: DataSource;
  readonly db: Database.Database;
}

/** One connection for the write path (prepared statements) and for TypeORM's queries. */
export const openDatabase = async (path: string, projections: readonly Projection[]): Promise<OpenDatabase> => {
  mkdirSync(dirname(path), { recursive: true });
  const entities = projections.flatMap((p) => Object.values(p.entities ?? [])) as EntitySchema[];
  const dataSource = new DataSource({ type: 'better-sqlite3', database: path, enableWAL: true, entities });
  await dataSource.initialize();
  const { databaseConnection: db } = dataSource.driver as unknown as { databaseConnection: Database.Database };
  // NORMAL: a power cut may lose the last transactions, never tear one; they are read from the log again.
  db.pragma('synchronous = NORMAL');
  // Pages (64 MiB) that the write-ahead log takes before it is copied into the database: at 4 MiB, which is the default,
  // nearly every batch of a replay would write the same pages twice and wait for the disk twice.
  db.pragma('wal_autocheckpoint = 16384');
  db.pragma('cache_size = -65536');
  db.pragma('temp_store = MEMORY');
  db.exec('CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL)');
  db.exec('INSERT OR IGNORE INTO checkpoint (one, position) VALUES (1, 0)');
  for (const { schema } of projections) if (schema.trim() !== '') db.exec(schema);
  if (entities.length > 0) await dataSource.synchronize();
  return { dataSource, db };
};
