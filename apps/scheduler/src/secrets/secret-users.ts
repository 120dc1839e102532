import type { Database } from 'better-sqlite3';
import type { Output, RegistryDefinition } from '#libs/contracts';
import { secretsOfRegistry, secretsOfStep, type NamedSecret } from '#libs/domain';
import { storedNameOf } from '#libs/service';
import type { StoredTask } from '../views/task-view.js';

export type SecretUser = Output<'getSecret'>['usedBy'][number];

/** Most users that are told. */
const most = 1000;

/** Which tasks and registries name a secret. Asked by people, rarely: it reads all tasks. */
export class SecretUsers {
  constructor(
    private readonly from: { readonly db: () => Database; readonly registries: () => Iterable<RegistryDefinition> },
  ) {}

  of(name: string): SecretUser[] {
    const users: SecretUser[] = [];
    const add = (kind: SecretUser['kind'], user: string, named: readonly NamedSecret[]): void => {
      for (const { field, secretRef } of named) {
        if (users.length < most && storedNameOf(secretRef) === name) users.push({ kind, name: user, field });
      }
    };
    for (const registry of this.from.registries()) add('Registry', registry.host, secretsOfRegistry(registry));
    // The text search leaves few to be parsed.
    const rows = this.from
      .db()
      .prepare<[string], { name: string; facts: string }>(
        'SELECT name, facts FROM task_view WHERE live AND instr(facts, ?) > 0 ORDER BY name',
      )
      .all(`"${name}`);
    for (const row of rows) {
      const { definition } = JSON.parse(row.facts) as StoredTask;
      if (definition) add('Task', row.name, secretsOfStep(definition.step));
    }
    return users;
  }
}
