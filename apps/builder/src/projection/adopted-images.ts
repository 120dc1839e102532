import type BetterSqlite3 from 'better-sqlite3';
import type { Snapshot } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';
import { AllowLists } from './allow-lists.js';

/** Adoptions kept per reference: enough to find an index that still has a platform which the newest lost. */
export const adoptionsKept = 16;

interface Row {
  readonly digest: string;
  readonly media_type: string;
  readonly platforms: string;
}

const snapshotOf = (row: Row): Snapshot => ({
  digest: row.digest,
  mediaType: row.media_type,
  platforms: JSON.parse(row.platforms) as Snapshot['platforms'],
});

/** What policy lets builds use: per reference the adopted snapshots, newest first. On disk only: builds ask rarely. */
export class AdoptedImages {
  readonly name = 'adopted-images';
  readonly version = 2;
  readonly #allowLists = new AllowLists();
  readonly schema = `
    ${this.#allowLists.schema}
    CREATE TABLE IF NOT EXISTS adopted_images (
      reference TEXT NOT NULL,
      position INTEGER NOT NULL,
      digest TEXT NOT NULL,
      media_type TEXT NOT NULL,
      platforms TEXT NOT NULL,
      PRIMARY KEY (reference, position)
    ) WITHOUT ROWID;
  `;
  #insert!: BetterSqlite3.Statement<[string, number, string, string, string]>;
  #trim!: BetterSqlite3.Statement<[string, string, number]>;
  #select!: BetterSqlite3.Statement<[string], Row>;

  open(db: BetterSqlite3.Database): void {
    this.#allowLists.open(db);
    this.#insert = db.prepare('INSERT OR REPLACE INTO adopted_images VALUES (?, ?, ?, ?, ?)');
    this.#trim = db.prepare(
      `DELETE FROM adopted_images WHERE reference = ? AND position < (
         SELECT min(position) FROM (
           SELECT position FROM adopted_images WHERE reference = ? ORDER BY position DESC LIMIT ?))`,
    );
    this.#select = db.prepare(
      'SELECT digest, media_type, platforms FROM adopted_images WHERE reference = ? ORDER BY position DESC',
    );
  }

  apply(event: RecordedEvent): void {
    this.#allowLists.apply(event);
    if (event.type === 'tag.adopted') this.#adopt(event.data.reference, event.sequence, event.data.to);
    if (event.type === 'tag.restated') {
      // A closed book: the state is the owner's own, and of it only what is adopted now matters here.
      const { reference, adopted } = event.data.state as { reference: string; adopted: Snapshot | null };
      if (adopted && this.newestFirst(reference)[0]?.digest !== adopted.digest) {
        this.#adopt(reference, event.sequence, adopted);
      }
    }
  }

  #adopt(reference: string, position: number, { digest, mediaType, platforms }: Snapshot): void {
    this.#insert.run(reference, position, digest, mediaType, JSON.stringify(platforms));
    this.#trim.run(reference, reference, adoptionsKept);
  }

  /** Why a canonical reference may not be built on while nothing of it is adopted; undefined where it may. */
  refusal(reference: string): string | undefined {
    return this.#allowLists.refusal(reference);
  }

  /** Adopted snapshots of a canonical reference, newest first; none when nobody watches it. */
  newestFirst(reference: string): Snapshot[] {
    return this.#select.all(reference).map(snapshotOf);
  }
}
