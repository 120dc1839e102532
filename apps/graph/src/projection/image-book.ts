import type { Database, Statement } from 'better-sqlite3';
import type { GraphModel } from '../model/graph-model.js';
import type { Adoption, ImageNode } from '../model/nodes.js';

/** The adopted digests of every image, a row for each: what was adopted never changes, it only goes at last. */
export class ImageBook {
  static readonly schema = `
    CREATE TABLE IF NOT EXISTS graph_adoption (reference TEXT NOT NULL, position INTEGER NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (reference, position)) WITHOUT ROWID;
  `;
  /** The adoptions that the database has. */
  private readonly stored = new Map<ImageNode, readonly Adoption[]>();
  private write!: Record<'add' | 'drop', Statement>;

  /** Prepares, and puts into the model what is stored. */
  open(db: Database, model: GraphModel): void {
    this.write = {
      add: db.prepare('INSERT INTO graph_adoption VALUES (?, ?, ?)'),
      drop: db.prepare('DELETE FROM graph_adoption WHERE reference = ? AND position = ?'),
    };
    const rows = db.prepare('SELECT reference, facts FROM graph_adoption ORDER BY reference, position DESC').iterate();
    for (const { reference, facts } of rows as IterableIterator<{ reference: string; facts: string }>) {
      model.image(reference).adoptions.push(JSON.parse(facts) as Adoption);
    }
    for (const image of model.images.values()) this.stored.set(image, [...image.adoptions]);
  }

  save(image: ImageNode): void {
    const { reference, adoptions } = image;
    const before = this.stored.get(image) ?? [];
    const newest = before[0]?.position ?? 0;
    const oldest = adoptions.at(-1)?.position ?? 0;
    for (const adoption of adoptions) {
      if (adoption.position <= newest) break;
      this.write.add.run(reference, adoption.position, JSON.stringify(adoption));
    }
    for (const { position } of before) if (position < oldest) this.write.drop.run(reference, position);
    this.stored.set(image, adoptions);
  }
}
