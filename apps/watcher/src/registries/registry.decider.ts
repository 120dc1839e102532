import { PlinthError, type RegistryDefinition } from '#libs/contracts';
import { sameDefinition } from '#libs/domain';
import type { Decider } from '#libs/event-log';

export interface RegistryState {
  /** Null when it is not known, or was removed. */
  readonly definition: RegistryDefinition | null;
}

/** A change of some settings: absent stays, null removes. */
export type RegistryPatch = {
  readonly [K in keyof Omit<RegistryDefinition, 'host'>]?: RegistryDefinition[K] | null;
};

export type RegistryCommand =
  | { readonly type: 'register'; readonly definition: RegistryDefinition }
  | { readonly type: 'update'; readonly host: string; readonly patch: RegistryPatch }
  | {
      /** Registers or changes it, whichever it takes. */
      readonly type: 'apply';
      readonly change: (definition: RegistryDefinition | null) => RegistryDefinition;
    }
  /** Removes it where it is still of that set. */
  | { readonly type: 'prune'; readonly host: string; readonly mark: string }
  | { readonly type: 'remove'; readonly host: string };

type RegistryEvent = 'registry.registered' | 'registry.updated' | 'registry.removed';

const missing = (host: string) =>
  new PlinthError('NOT_FOUND', `There is no registry ${host}. Make it known with POST /v1/registries.`);

export const registryDecider: Decider<RegistryState, RegistryCommand, RegistryEvent> = {
  kind: 'registry',
  initialState: { definition: null },
  decide: (command, { definition }) => {
    switch (command.type) {
      case 'register':
        if (definition) {
          throw new PlinthError(
            'ALREADY_EXISTS',
            `The registry ${definition.host} is known already. Change it with PATCH /v1/registries/${definition.host}.`,
          );
        }
        return [{ type: 'registry.registered', data: { definition: command.definition } }];
      case 'update': {
        if (!definition) throw missing(command.host);
        const fields: Record<string, unknown> = { ...definition };
        for (const [field, value] of Object.entries(command.patch)) {
          if (value === null) delete fields[field];
          else if (value !== undefined) fields[field] = value;
        }
        const updated = fields as RegistryDefinition;
        if (JSON.stringify(updated) === JSON.stringify(definition)) return [];
        return [{ type: 'registry.updated', data: { definition: updated } }];
      }
      case 'apply': {
        const applied = command.change(definition);
        if (definition && sameDefinition(applied, definition)) return [];
        return [{ type: definition ? 'registry.updated' : 'registry.registered', data: { definition: applied } }];
      }
      case 'prune':
        if (definition?.appliedBy !== command.mark) return [];
        return [{ type: 'registry.removed', data: { host: command.host } }];
      case 'remove':
        if (!definition) throw missing(command.host);
        return [{ type: 'registry.removed', data: { host: command.host } }];
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'registry.registered':
      case 'registry.updated':
        return { definition: event.data.definition };
      case 'registry.removed':
        return { definition: null };
      default:
        return state;
    }
  },
  isOver: (state) => state.definition === null,
};
