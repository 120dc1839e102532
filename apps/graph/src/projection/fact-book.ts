import type { Database, Statement } from 'better-sqlite3';
import type { TaskDefinition } from '#libs/contracts';
import {
  adoptionsKept,
  hasDigest,
  type Adoption,
  type Defined,
  type GraphFacts,
  type Scan,
  type Standing,
} from '../model/facts.js';
import type { RunBook } from './run-book.js';

type Name =
  | 'define'
  | 'defined'
  | 'undefine'
  | 'hash'
  | 'scan'
  | 'scanned'
  | 'unscan'
  | 'stand'
  | 'stood'
  | 'unstand'
  | 'adopt'
  | 'adopted'
  | 'forget'
  | 'search';

/**
 * What of tasks and images is large and seldom asked, in the database alone. It is written as it comes: what changes once a
 * batch is not here.
 */
export class FactBook implements GraphFacts {
  static readonly schema = `
    CREATE TABLE IF NOT EXISTS graph_definition (task INTEGER PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL, definition TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS graph_scan (task INTEGER PRIMARY KEY, facts TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS graph_standing (task INTEGER PRIMARY KEY, run TEXT NOT NULL, hash TEXT NOT NULL, position INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS graph_adoption (image INTEGER NOT NULL, position INTEGER NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (image, position)) WITHOUT ROWID;
  `;
  private statements!: Record<Name, Statement>;

  /** @param runs knows what a run used and made */
  constructor(private readonly runs: Pick<RunBook, 'successOf'>) {}

  open(db: Database): void {
    this.statements = {
      define: db.prepare('INSERT OR REPLACE INTO graph_definition VALUES (?, ?, ?, ?)'),
      defined: db.prepare('SELECT hash, at, definition FROM graph_definition WHERE task = ?').raw(),
      undefine: db.prepare('DELETE FROM graph_definition WHERE task = ?'),
      hash: db.prepare('SELECT hash FROM graph_definition WHERE task = ?').pluck(),
      scan: db.prepare('INSERT OR REPLACE INTO graph_scan VALUES (?, ?)'),
      scanned: db.prepare('SELECT facts FROM graph_scan WHERE task = ?').pluck(),
      unscan: db.prepare('DELETE FROM graph_scan WHERE task = ?'),
      stand: db.prepare('INSERT OR REPLACE INTO graph_standing VALUES (?, ?, ?, ?)'),
      stood: db.prepare('SELECT run, hash, position FROM graph_standing WHERE task = ?').raw(),
      unstand: db.prepare('DELETE FROM graph_standing WHERE task = ?'),
      adopt: db.prepare('INSERT INTO graph_adoption VALUES (?, ?, ?)'),
      adopted: db.prepare('SELECT facts FROM graph_adoption WHERE image = ? ORDER BY position DESC').pluck(),
      forget: db.prepare(
        `DELETE FROM graph_adoption WHERE image = ? AND position <= (SELECT position FROM graph_adoption
         WHERE image = ? ORDER BY position DESC LIMIT 1 OFFSET ${adoptionsKept})`,
      ),
      // The digest is somewhere in the text, or the row need not be taken apart.
      search: db.prepare('SELECT image, facts FROM graph_adoption WHERE instr(facts, ?) > 0').raw(),
    };
  }

  defined(task: number): Defined | null {
    const row = this.statements.defined.get(task) as [string, number, string] | undefined;
    if (!row) return null;
    const [hash, at, definition] = row;
    return { hash, at, definition: JSON.parse(definition) as TaskDefinition };
  }
  putDefined(task: number, defined: Defined | null): void {
    if (defined) this.statements.define.run(task, defined.hash, defined.at, JSON.stringify(defined.definition));
    else this.statements.undefine.run(task);
  }
  definitionHash(task: number): string {
    return (this.statements.hash.get(task) as string | undefined) ?? '';
  }

  scan(task: number): Scan | null {
    const facts = this.statements.scanned.get(task) as string | undefined;
    return facts === undefined ? null : (JSON.parse(facts) as Scan);
  }
  putScan(task: number, scan: Scan | null): void {
    if (scan) this.statements.scan.run(task, JSON.stringify(scan));
    else this.statements.unscan.run(task);
  }

  standing(task: number): Standing | null {
    const row = this.statements.stood.get(task) as [string, string, number] | undefined;
    const success = row && this.runs.successOf(row[0]);
    return success ? { run: row[0], definitionHash: row[1], position: row[2], ...success } : null;
  }
  putStanding(task: number, standing: Standing | null): void {
    if (standing) this.statements.stand.run(task, standing.run, standing.definitionHash, standing.position);
    else this.statements.unstand.run(task);
  }

  adoptions(image: number): Adoption[] {
    return (this.statements.adopted.all(image) as string[]).map((facts) => JSON.parse(facts) as Adoption);
  }
  adopt(image: number, adoption: Adoption, isFirst: boolean): void {
    this.statements.adopt.run(image, adoption.position, JSON.stringify(adoption));
    if (!isFirst) this.statements.forget.run(image, image);
  }
  imagesWith(digest: string): number[] {
    const found = new Set<number>();
    for (const [image, facts] of this.statements.search.iterate(digest) as IterableIterator<[number, string]>) {
      if (hasDigest((JSON.parse(facts) as Adoption).snapshot, digest)) found.add(image);
    }
    return [...found];
  }
}
