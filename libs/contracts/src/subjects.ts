import type { AggregateKind } from './event.js';

/** Names of streams, subjects and buckets: this file is the only place that knows them. */
export const streams = {
  events: 'PLINTH_EVENTS',
  dispatch: 'PLINTH_DISPATCH',
  logs: 'PLINTH_LOGS',
  dead: 'PLINTH_DEAD',
} as const;

export const buckets = {
  contexts: 'contexts',
  snapshots: 'snapshots',
  secrets: 'secrets',
  tokens: 'tokens',
  leases: 'leases',
  webhooks: 'webhooks',
} as const;

const plain = /^[A-Za-z0-9_-]+$/;

/** An id as one subject token: itself where it is plain, else `~` and its base64url. */
export const subjectToken = (id: string): string =>
  plain.test(id) ? id : `~${Buffer.from(id, 'utf8').toString('base64url')}`;

/** Inverse of {@link subjectToken}. */
export const idOfToken = (token: string): string =>
  token.startsWith('~') ? Buffer.from(token.slice(1), 'base64url').toString('utf8') : token;

export const eventSubjects = 'plinth.events.>';
export const eventSubject = (aggregate: AggregateKind, id: string): string =>
  `plinth.events.${aggregate}.${subjectToken(id)}`;

/** Inverse of {@link eventSubject}. */
export const aggregateOfSubject = (subject: string): { kind: AggregateKind; id: string } => {
  const at = subject.lastIndexOf('.');
  const kind = subject.slice(subject.lastIndexOf('.', at - 1) + 1, at);
  return { kind: kind as AggregateKind, id: idOfToken(subject.slice(at + 1)) };
};

export const dispatchSubject = (pool: string): string => `plinth.dispatch.${subjectToken(pool)}`;
/** Of a dead letter; with `once` there is one of that name at most. */
export const deadSubject = (kind: string, source: string, once?: string): string =>
  `plinth.dead.${kind}.${subjectToken(source)}${once === undefined ? '' : `.${subjectToken(once)}`}`;
export const logSubject = (run: string): string => `plinth.logs.${subjectToken(run)}`;
