import { PlinthError, type EventData, type TaskDefinition } from '#libs/contracts';
import { circuitDelayMs, definitionHash, failuresToOpenCircuit, sameDefinition } from '#libs/domain';
import type { Decider } from '#libs/event-log';

export interface TaskState {
  /** Null before it is created and after it is deleted. */
  readonly definition: TaskDefinition | null;
  readonly definitionHash: string;
  /** What the scan of the current definition found. */
  readonly scanned: boolean;
  readonly circuit: { readonly key: string; readonly failures: number; readonly retryAt: string } | null;
  /** Failures that the circuit was last opened for: a half-open try closes it without forgetting them. */
  readonly opened: { readonly key: string; readonly failures: number } | null;
}

type Scanned = EventData<'task.scanned'>;

export type TaskCommand =
  | { readonly type: 'create'; readonly definition: TaskDefinition; readonly by: string }
  | {
      readonly type: 'update';
      readonly name: string;
      readonly change: (definition: TaskDefinition) => TaskDefinition;
      readonly by: string;
    }
  | {
      /** Creates or changes it, whichever it takes. */
      readonly type: 'apply';
      readonly change: (definition: TaskDefinition | null) => TaskDefinition;
      readonly by: string;
    }
  /** Deletes it where it is still of that set. */
  | { readonly type: 'prune'; readonly name: string; readonly mark: string; readonly by: string }
  | { readonly type: 'delete'; readonly name: string; readonly by: string }
  | { readonly type: 'scanned'; readonly result: Scanned }
  | {
      readonly type: 'open-circuit';
      readonly name: string;
      readonly key: string;
      readonly failures: number;
      readonly at: string;
      readonly reason: string;
    }
  | {
      readonly type: 'close-circuit';
      readonly name: string;
      readonly reason: EventData<'task.circuit-closed'>['reason'];
    };

type TaskEvent =
  'task.created' | 'task.updated' | 'task.deleted' | 'task.scanned' | 'task.circuit-opened' | 'task.circuit-closed';

const missing = (name: string) =>
  new PlinthError('NOT_FOUND', `There is no task ${name}. GET /v1/tasks lists those that there are.`);

export const taskDecider: Decider<TaskState, TaskCommand, TaskEvent> = {
  kind: 'task',
  initialState: { definition: null, definitionHash: '', scanned: false, circuit: null, opened: null },
  decide: (command, state) => {
    switch (command.type) {
      case 'create': {
        const { definition, by } = command;
        if (state.definition) {
          throw new PlinthError(
            'ALREADY_EXISTS',
            `The task ${definition.name} exists already. Change it with PATCH /v1/tasks/${definition.name}.`,
          );
        }
        return [{ type: 'task.created', data: { definition, definitionHash: definitionHash(definition), by } }];
      }
      case 'update': {
        if (!state.definition) throw missing(command.name);
        const definition = command.change(state.definition);
        if (JSON.stringify(definition) === JSON.stringify(state.definition)) return [];
        const hash = definitionHash(definition);
        return [{ type: 'task.updated', data: { definition, definitionHash: hash, by: command.by } }];
      }
      case 'apply': {
        const definition = command.change(state.definition);
        if (state.definition && sameDefinition(definition, state.definition)) return [];
        const type = state.definition ? 'task.updated' : 'task.created';
        return [{ type, data: { definition, definitionHash: definitionHash(definition), by: command.by } }];
      }
      case 'prune':
        if (state.definition?.appliedBy !== command.mark) return [];
        return [{ type: 'task.deleted', data: { task: command.name, by: command.by } }];
      case 'delete':
        if (!state.definition) throw missing(command.name);
        return [{ type: 'task.deleted', data: { task: command.name, by: command.by } }];
      case 'scanned':
        // A scan of an older definition says nothing about this one.
        if (!state.definition || command.result.definitionHash !== state.definitionHash || state.scanned) return [];
        return [{ type: 'task.scanned', data: command.result }];
      case 'open-circuit': {
        const { name, key, failures, at, reason } = command;
        if (!state.definition || failures < failuresToOpenCircuit) return [];
        if (state.opened?.key === key && state.opened.failures >= failures) return [];
        const retryAt = new Date(Date.parse(at) + circuitDelayMs(failures)).toISOString();
        return [{ type: 'task.circuit-opened', data: { task: name, key, failures, retryAt, reason } }];
      }
      case 'close-circuit':
        if (!state.definition) throw missing(command.name);
        // After a half-open try the circuit is closed, yet what it was opened for is remembered until a success.
        return state.circuit || (state.opened && command.reason === 'Succeeded') || command.reason === 'Reset'
          ? [{ type: 'task.circuit-closed', data: { task: command.name, reason: command.reason } }]
          : [];
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'task.created':
      case 'task.updated': {
        const { definition, definitionHash: hash } = event.data;
        const same = event.type === 'task.updated' && hash === state.definitionHash;
        return {
          ...state,
          definition,
          definitionHash: hash,
          scanned: same && state.scanned,
          circuit: same ? state.circuit : null,
          opened: same ? state.opened : null,
        };
      }
      case 'task.deleted':
        return { ...state, definition: null, circuit: null, opened: null };
      case 'task.scanned':
        return { ...state, scanned: true };
      case 'task.circuit-opened': {
        const { key, failures, retryAt } = event.data;
        return { ...state, circuit: { key, failures, retryAt }, opened: { key, failures } };
      }
      case 'task.circuit-closed':
        return { ...state, circuit: null, opened: event.data.reason === 'HalfOpen' ? state.opened : null };
      default:
        return state;
    }
  },
  isOver: (state) => state.definition === null,
};
