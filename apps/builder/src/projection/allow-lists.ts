import type BetterSqlite3 from 'better-sqlite3';
import type { PolicyDefinition } from '#libs/contracts';
import { fitsAny, policyFor } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import { parseReference, repositoryName } from '#libs/oci';

/** The adoption policies, as far as they say which images may be built on at all. */
export class AllowLists {
  readonly schema = 'CREATE TABLE IF NOT EXISTS policy (name TEXT PRIMARY KEY, definition TEXT NOT NULL);';
  readonly #policies = new Map<string, PolicyDefinition>();
  #save!: BetterSqlite3.Statement<[string, string]>;
  #drop!: BetterSqlite3.Statement<[string]>;

  open(db: BetterSqlite3.Database): void {
    this.#save = db.prepare('INSERT OR REPLACE INTO policy VALUES (?, ?)');
    this.#drop = db.prepare('DELETE FROM policy WHERE name = ?');
    this.#policies.clear();
    for (const { definition } of db.prepare('SELECT definition FROM policy').all() as { definition: string }[]) {
      const policy = JSON.parse(definition) as PolicyDefinition;
      this.#policies.set(policy.name, policy);
    }
  }

  apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'policy.created':
      case 'policy.updated':
        return this.#put(event.data.definition);
      case 'policy.restated': {
        const { definition } = event.data.state as { definition: PolicyDefinition | null };
        if (definition) this.#put(definition);
        return;
      }
      case 'policy.deleted':
        this.#policies.delete(event.data.name);
        this.#drop.run(event.data.name);
        return;
      default:
    }
  }

  /** Why a canonical reference may not be built on; undefined where it may. */
  refusal(reference: string): string | undefined {
    const parsed = parseReference(reference);
    // A digest says which image of the repository it is, not whether it may be used.
    const name = `${repositoryName(parsed)}:${parsed.tag ?? ''}`;
    const policy = policyFor(this.#policies.values(), name);
    if (!policy?.allow || fitsAny(policy.allow, name)) return undefined;
    return `The policy ${policy.name} does not allow ${reference}. Ask for it there, or build on another image.`;
  }

  #put(definition: PolicyDefinition): void {
    this.#policies.set(definition.name, definition);
    this.#save.run(definition.name, JSON.stringify(definition));
  }
}
