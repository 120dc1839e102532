import { PlinthError, type EventData, type WebhookDefinition } from '#libs/contracts';
import type { Decider } from '#libs/event-log';

export interface Replay {
  /** Position of the request: its name. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

export interface WebhookState {
  /** Null before it is created and after it is deleted. */
  readonly definition: WebhookDefinition | null;
  /** Position of its creation: it is told what comes after. */
  readonly since: number;
  readonly createdAt: string;
  /** Position since which it is enabled at its address: what failed before is tried as if for the first time. */
  readonly enabledSince: number;
  readonly disabled: { readonly by: EventData<'webhook.disabled'>['reason']; at: string; message: string } | null;
  readonly secretVersion: number;
  readonly previousSecret: { readonly version: number; readonly until: string } | null;
  /** The newest ones; what is done of them is part of the progress. */
  readonly replays: readonly Replay[];
}

export type WebhookCommand =
  | {
      readonly type: 'create';
      readonly definition: WebhookDefinition;
      readonly secretVersion: number;
      readonly by: string;
    }
  | {
      readonly type: 'update';
      readonly name: string;
      readonly patch: { readonly [K in 'url' | 'eventTypes' | 'status']?: WebhookDefinition[K] | undefined };
      readonly by: string;
    }
  | {
      readonly type: 'rotate';
      readonly name: string;
      readonly secretVersion: number;
      readonly previousUntil: string;
      readonly by: string;
    }
  | { readonly type: 'replay'; readonly name: string; readonly from: number; readonly to: number; readonly by: string }
  | ({
      readonly type: 'disable';
      /** As the one who delivers knows it: one that a person has enabled anew meanwhile stays enabled. */
      readonly enabledSince: number;
    } & EventData<'webhook.disabled'>)
  | { readonly type: 'delete'; readonly name: string; readonly by: string };

type WebhookEvent =
  | 'webhook.created'
  | 'webhook.updated'
  | 'webhook.secret-rotated'
  | 'webhook.replay-requested'
  | 'webhook.disabled'
  | 'webhook.deleted';

/** Replays that are remembered. */
export const mostReplays = 10;

export const missingWebhook = (name: string) =>
  new PlinthError('NOT_FOUND', `There is no webhook ${name}. GET /v1/webhooks lists those that there are.`);

export const webhookDecider: Decider<WebhookState, WebhookCommand, WebhookEvent> = {
  kind: 'webhook',
  initialState: {
    definition: null,
    since: 0,
    createdAt: '',
    enabledSince: 0,
    disabled: null,
    secretVersion: 0,
    previousSecret: null,
    replays: [],
  },
  decide: (command, { definition, enabledSince }) => {
    if (command.type === 'create') {
      const { definition: wanted, secretVersion, by } = command;
      if (definition) {
        throw new PlinthError(
          'ALREADY_EXISTS',
          `The webhook ${wanted.name} exists already. Change it with PATCH /v1/webhooks/${wanted.name}.`,
        );
      }
      return [{ type: 'webhook.created', data: { definition: wanted, secretVersion, by } }];
    }
    if (command.type === 'disable') {
      const { type: _type, enabledSince: since, ...data } = command;
      const over = definition?.status !== 'Enabled' || since !== enabledSince;
      return over ? [] : [{ type: 'webhook.disabled', data }];
    }
    const { name: webhook, by } = command;
    if (!definition) throw missingWebhook(webhook);
    switch (command.type) {
      case 'update': {
        const patch = Object.entries(command.patch).filter(([, value]) => value !== undefined);
        const changed: WebhookDefinition = { ...definition, ...Object.fromEntries(patch) };
        if (JSON.stringify(changed) === JSON.stringify(definition)) return [];
        return [{ type: 'webhook.updated', data: { definition: changed, by } }];
      }
      case 'rotate': {
        const { secretVersion, previousUntil } = command;
        return [{ type: 'webhook.secret-rotated', data: { webhook, secretVersion, previousUntil, by } }];
      }
      case 'replay':
        return [{ type: 'webhook.replay-requested', data: { webhook, from: command.from, to: command.to, by } }];
      case 'delete':
        return [{ type: 'webhook.deleted', data: { webhook, by } }];
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'webhook.created': {
        const { definition, secretVersion, by } = event.data;
        return {
          definition,
          since: event.sequence,
          createdAt: event.time,
          enabledSince: event.sequence,
          disabled: definition.status === 'Enabled' ? null : byRequest(event.time, by),
          secretVersion,
          previousSecret: null,
          replays: [],
        };
      }
      case 'webhook.updated': {
        const { definition, by } = event.data;
        if (definition.status === 'Disabled') {
          return { ...state, definition, disabled: state.disabled ?? byRequest(event.time, by) };
        }
        const isSame = state.disabled === null && definition.url === state.definition?.url;
        return {
          ...state,
          definition,
          disabled: null,
          enabledSince: isSame ? state.enabledSince : event.sequence,
        };
      }
      case 'webhook.secret-rotated': {
        const { secretVersion, previousUntil } = event.data;
        return {
          ...state,
          secretVersion,
          previousSecret: { version: state.secretVersion, until: previousUntil },
        };
      }
      case 'webhook.replay-requested': {
        const { from, to } = event.data;
        return { ...state, replays: [...state.replays, { at: event.sequence, from, to }].slice(-mostReplays) };
      }
      case 'webhook.disabled': {
        const { reason, message } = event.data;
        if (!state.definition) return state;
        return {
          ...state,
          definition: { ...state.definition, status: 'Disabled' },
          disabled: { by: reason, at: event.time, message },
        };
      }
      case 'webhook.deleted':
        return { ...state, definition: null, replays: [] };
      default:
        return state;
    }
  },
  isOver: (state) => state.definition === null,
};

const byRequest = (at: string, by: string) => ({ by: 'Request' as const, at, message: `Disabled by ${by}.` });
