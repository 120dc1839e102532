import type { Database, Statement } from 'better-sqlite3';
import type { Interner } from '../model/store/interner.js';
import type { Wave, WaveBook } from '../waves/wave-book.js';
import { WaveMembers, type MemberStatus, type WaveMember } from '../waves/wave-members.js';

/** A wave without its members, as it is stored. */
export type StoredWave = Omit<Wave, 'members'> & {
  readonly tasks: number;
  readonly counts: Readonly<Record<MemberStatus, number>>;
};

interface Row {
  readonly position: number;
  readonly facts: string;
}

/** The waves, open and closed: a row for what is said of one, and pages of its members. */
export class WaveStore {
  static readonly schema = `
    CREATE TABLE IF NOT EXISTS graph_wave (id TEXT PRIMARY KEY, position INTEGER NOT NULL, open INTEGER NOT NULL, facts TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS graph_wave_position ON graph_wave (position);
    CREATE TABLE IF NOT EXISTS graph_wave_page (wave TEXT NOT NULL, part TEXT NOT NULL, page INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (wave, part, page)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS graph_wave_run (wave TEXT NOT NULL, member INTEGER NOT NULL, run TEXT NOT NULL, PRIMARY KEY (wave, member)) WITHOUT ROWID;
  `;
  private statements!: Record<'write' | 'page' | 'run' | 'one' | 'list' | 'listOpen' | 'pages' | 'runs', Statement>;

  /** @param names of tasks */
  constructor(private readonly names: Interner) {}

  /** Prepares, and puts the open waves back. */
  open(db: Database, book: WaveBook): void {
    const list = (which: string) =>
      db.prepare(`SELECT position, facts FROM graph_wave WHERE position < ? ${which} ORDER BY position DESC LIMIT ?`);
    this.statements = {
      write: db.prepare('INSERT OR REPLACE INTO graph_wave VALUES (?, ?, ?, ?)'),
      page: db.prepare('INSERT OR REPLACE INTO graph_wave_page VALUES (?, ?, ?, ?)'),
      run: db.prepare('INSERT OR REPLACE INTO graph_wave_run VALUES (?, ?, ?)'),
      one: db.prepare('SELECT position, facts FROM graph_wave WHERE id = ?'),
      list: list(''),
      listOpen: list(`AND facts ->> 'closedAt' IS NULL`),
      pages: db.prepare('SELECT part, page, bytes FROM graph_wave_page WHERE wave = ?').raw(),
      runs: db.prepare('SELECT member, run FROM graph_wave_run WHERE wave = ?').raw(),
    };
    const open = db.prepare('SELECT facts FROM graph_wave WHERE open ORDER BY position').pluck().all() as string[];
    for (const facts of open) {
      const { tasks, counts: _, ...wave } = JSON.parse(facts) as StoredWave;
      book.restore({ ...wave, members: this.membersOf(wave.id, tasks) });
    }
  }

  save({ members, ...wave }: Wave): void {
    const { write, page, run } = this.statements;
    const open = Number(wave.closedAt === null || !wave.closeAnnounced);
    const stored: StoredWave = { ...wave, tasks: members.size, counts: members.counts() };
    write.run(wave.id, wave.position, open, JSON.stringify(stored));
    for (const [part, column] of Object.entries(members.parts)) {
      for (const [at, bytes] of column.takePages()) page.run(wave.id, part, at, bytes);
    }
    for (const [member, name] of members.takeRuns()) run.run(wave.id, member, name);
  }

  /** The newest ones that were opened before a position. */
  list(before: number, limit: number, open: boolean): StoredWave[] {
    const rows = this.statements[open ? 'listOpen' : 'list'].all(before, limit) as Row[];
    return rows.map(({ facts }) => JSON.parse(facts) as StoredWave);
  }

  find(id: string): (StoredWave & { readonly members: WaveMember[] }) | undefined {
    const row = this.statements.one.get(id) as Row | undefined;
    if (!row) return undefined;
    const wave = JSON.parse(row.facts) as StoredWave;
    return { ...wave, members: [...this.membersOf(id, wave.tasks).values()] };
  }

  private membersOf(id: string, size: number): WaveMembers {
    const members = new WaveMembers(size, this.names);
    for (const [part, page, bytes] of this.statements.pages.iterate(id) as IterableIterator<
      [keyof WaveMembers['parts'], number, Uint8Array]
    >) {
      members.parts[part].loadPage(page, bytes);
    }
    for (const [at, run] of this.statements.runs.iterate(id) as IterableIterator<[number, string]>) {
      members.loadRun(at, run);
    }
    return members;
  }
}
