import { PlinthError, type PolicyDefinition } from '#libs/contracts';
import { sameDefinition } from '#libs/domain';
import type { Decider } from '#libs/event-log';

export interface PolicyState {
  /** Null when there is none, or it was deleted. */
  readonly definition: PolicyDefinition | null;
}

/** A change of some fields: absent stays, null removes. */
export type PolicyPatch = { readonly [K in keyof Omit<PolicyDefinition, 'name'>]?: PolicyDefinition[K] | null };

export type PolicyCommand =
  | { readonly type: 'create'; readonly definition: PolicyDefinition }
  | { readonly type: 'update'; readonly name: string; readonly patch: PolicyPatch }
  | {
      /** Creates or changes it, whichever it takes. */
      readonly type: 'apply';
      readonly change: (definition: PolicyDefinition | null) => PolicyDefinition;
    }
  /** Deletes it where it is still of that set. */
  | { readonly type: 'prune'; readonly name: string; readonly mark: string }
  | { readonly type: 'delete'; readonly name: string };

type PolicyEvent = 'policy.created' | 'policy.updated' | 'policy.deleted';

const missing = (name: string) =>
  new PlinthError('NOT_FOUND', `There is no policy ${name}. Make it with POST /v1/policies.`);

/** The definition with a change made to it. */
export const patched = (definition: PolicyDefinition, patch: PolicyPatch): PolicyDefinition => {
  const fields: Record<string, unknown> = { ...definition };
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete fields[field];
    else if (value !== undefined) fields[field] = value;
  }
  return fields as PolicyDefinition;
};

export const policyDecider: Decider<PolicyState, PolicyCommand, PolicyEvent> = {
  kind: 'policy',
  initialState: { definition: null },
  decide: (command, { definition }) => {
    switch (command.type) {
      case 'create':
        if (definition) {
          const { name } = definition;
          throw new PlinthError(
            'ALREADY_EXISTS',
            `There is a policy ${name} already. Change it with PATCH /v1/policies/${name}.`,
          );
        }
        return [{ type: 'policy.created', data: { definition: command.definition } }];
      case 'update': {
        if (!definition) throw missing(command.name);
        const updated = patched(definition, command.patch);
        return sameDefinition(updated, definition) ? [] : [{ type: 'policy.updated', data: { definition: updated } }];
      }
      case 'apply': {
        const applied = command.change(definition);
        if (definition && sameDefinition(applied, definition)) return [];
        return [{ type: definition ? 'policy.updated' : 'policy.created', data: { definition: applied } }];
      }
      case 'prune':
        if (definition?.appliedBy !== command.mark) return [];
        return [{ type: 'policy.deleted', data: { name: command.name } }];
      case 'delete':
        if (!definition) throw missing(command.name);
        return [{ type: 'policy.deleted', data: { name: command.name } }];
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'policy.created':
      case 'policy.updated':
        return { definition: event.data.definition };
      case 'policy.deleted':
        return { definition: null };
      default:
        return state;
    }
  },
  isOver: (state) => state.definition === null,
};
