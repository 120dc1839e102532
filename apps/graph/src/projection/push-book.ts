import type { Database, Statement } from 'better-sqlite3';
import type { RecordedEvent } from '#libs/event-log';

/** An image that a run pushed. */
export interface Push {
  readonly reference: string;
  readonly digest: string;
  readonly run: string;
  readonly task: string | null;
  readonly at: string;
  /** The reference shows this digest, as far as the log knows. */
  readonly standing: boolean;
}

type Row = Omit<Push, 'standing'> & { readonly shown: string | null };

/**
 * Which run pushed which image, what it was built on, and what each reference shows since: every image that there ever
 * was, not only the last one of each task.
 */
export class PushBook {
  // A digest that was used is the key of the largest table: it is kept as its 32 bytes, and once for
  // each index: which platforms that has is a table of its own.
  static readonly schema = `
    CREATE TABLE IF NOT EXISTS graph_pushed (reference TEXT NOT NULL, digest TEXT NOT NULL, run TEXT NOT NULL, task TEXT, at TEXT NOT NULL, PRIMARY KEY (reference, digest)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS graph_pushed_run ON graph_pushed (run);
    CREATE TABLE IF NOT EXISTS graph_shown (reference TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS graph_used (digest BLOB NOT NULL, run TEXT NOT NULL, PRIMARY KEY (digest, run)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS graph_part (digest BLOB NOT NULL, whole BLOB NOT NULL, PRIMARY KEY (digest, whole)) WITHOUT ROWID;
  `;
  /** Platforms with their index that were written lately: many runs use the same. */
  private readonly divided = new Set<string>();
  private statements!: Record<'push' | 'use' | 'part' | 'wholes' | 'show' | 'change' | 'pusher' | 'builtOn', Statement>;

  open(db: Database): void {
    this.statements = {
      push: db.prepare('INSERT OR REPLACE INTO graph_pushed VALUES (?, ?, ?, ?, ?)'),
      use: db.prepare('INSERT OR IGNORE INTO graph_used VALUES (?, ?)'),
      part: db.prepare('INSERT OR IGNORE INTO graph_part VALUES (?, ?)'),
      wholes: db.prepare('SELECT whole FROM graph_part WHERE digest = ? ORDER BY whole').pluck(),
      show: db.prepare(
        'INSERT INTO graph_shown VALUES (?, ?) ON CONFLICT (reference) DO UPDATE SET digest = excluded.digest',
      ),
      // What nobody here ever pushed is not kept.
      change: db.prepare('UPDATE graph_shown SET digest = ? WHERE reference = ?'),
      pusher: db.prepare('SELECT run FROM graph_pushed WHERE reference = ? AND digest = ?'),
      builtOn: db.prepare(
        `SELECT p.*, s.digest AS shown FROM graph_used u JOIN graph_pushed p ON p.run = u.run
         LEFT JOIN graph_shown s ON s.reference = p.reference
         WHERE u.digest = ? ORDER BY p.reference, p.digest`,
      ),
    };
  }

  apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'run.succeeded': {
        const { run, task, outputs } = event.data;
        for (const { reference, digest } of outputs) {
          this.statements.push.run(reference, digest, run, task, event.time);
          this.statements.show.run(reference, digest);
        }
        for (const { digest, platforms } of event.data.inputs) this.use(run, digest, platforms);
        return;
      }
      case 'tag.moved':
        this.statements.change.run(event.data.to.digest, event.data.reference);
        return;
      case 'tag.vanished':
        this.statements.change.run('', event.data.reference);
        return;
      default:
    }
  }

  private use(run: string, digest: string, platforms: Readonly<Record<string, string>>): void {
    const whole = bytesOf(digest);
    this.statements.use.run(whole, run);
    for (const part of Object.values(platforms)) {
      // A run names the platforms of an index that it was built for; another one names others.
      const both = part + digest;
      if (part === digest || this.divided.has(both)) continue;
      if (this.divided.size >= dividedKept) this.divided.clear();
      this.divided.add(both);
      this.statements.part.run(bytesOf(part), whole);
    }
  }

  /** The run that pushed this digest to this reference last. */
  pusherOf(reference: string, digest: string): string | undefined {
    return (this.statements.pusher.get(reference, digest) as { run: string } | undefined)?.run;
  }

  /** Indexes that have this digest as one of their platforms, as far as runs used it. */
  indexesWith(digest: string): string[] {
    return (this.statements.wholes.all(bytesOf(digest)) as Buffer[]).map((whole) => `sha256:${whole.toString('hex')}`);
  }

  /** Images whose build used the digest, as a run names it: of an index, where there is one; direct ones only. */
  *builtOn(digest: string): Generator<Push> {
    for (const { shown, ...push } of this.statements.builtOn.all(bytesOf(digest)) as Row[]) {
      yield { ...push, standing: shown === push.digest };
    }
  }
}

const dividedKept = 10_000;

const bytesOf = (digest: string): Buffer => Buffer.from(digest.slice(digest.indexOf(':') + 1), 'hex');
