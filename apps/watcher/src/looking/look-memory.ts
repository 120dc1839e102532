import type { Database, Statement } from 'better-sqlite3';
import type { Clock, Projection } from '#libs/event-log';

const writeEveryMs = 1_000;
/** Rows that are written at once; more wait for the next second, so that nothing else waits for them. */
const rowsAtOnce = 1_000;

/**
 * When each reference was last looked at, beside the projections: no event tells of a look that found nothing new. It
 * is a cache; where it is lost, tags are looked at once more than they had to be.
 */
export class LookMemory implements Projection {
  readonly name = 'looks';
  readonly version = 1;
  readonly schema = 'CREATE TABLE IF NOT EXISTS look (reference TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID';
  private readonly loaded = new Map<string, number>();
  private readonly unwritten = new Map<string, number | null>();
  private write!: (rows: readonly (readonly [string, number | null])[]) => void;
  private cancel: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  open(db: Database): void {
    const save: Statement = db.prepare('INSERT OR REPLACE INTO look VALUES (?, ?)');
    const drop: Statement = db.prepare('DELETE FROM look WHERE reference = ?');
    this.write = db.transaction((rows: readonly (readonly [string, number | null])[]) => {
      for (const [reference, at] of rows) {
        if (at === null) drop.run(reference);
        else save.run(reference, at);
      }
    });
    const rows = db.prepare('SELECT reference, at FROM look').all() as { reference: string; at: number }[];
    for (const { reference, at } of rows) this.loaded.set(reference, at);
  }

  /** Events say nothing of looks. */
  apply(): void {}

  /** When it was last looked at before this process began; asked once. */
  take(reference: string): number | null {
    const at = this.loaded.get(reference) ?? null;
    this.loaded.delete(reference);
    return at;
  }

  looked(reference: string, at: number): void {
    this.note(reference, at);
  }

  forget(reference: string): void {
    this.loaded.delete(reference);
    this.note(reference, null);
  }

  /** Writes what there is, some of it or all. */
  private save(most = Infinity): void {
    const rows = [...this.unwritten].slice(0, most);
    if (rows.length === 0) return;
    this.write(rows);
    for (const [reference] of rows) this.unwritten.delete(reference);
  }

  stop(): void {
    this.cancel?.();
    this.save();
  }

  private note(reference: string, at: number | null): void {
    this.unwritten.delete(reference);
    this.unwritten.set(reference, at);
    this.cancel ??= this.clock.setTimeout(() => {
      this.cancel = undefined;
      this.save(rowsAtOnce);
      const [next] = this.unwritten;
      if (next) this.note(...next);
    }, writeEveryMs);
  }
}
