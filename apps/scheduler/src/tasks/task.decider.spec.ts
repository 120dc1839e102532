import { describe, it } from 'vitest';
import { definitionHash } from '#libs/domain';
import { decider } from '#libs/testing';
import { definitionOf } from '../testing/samples.js';
import { taskDecider } from './task.decider.js';

const definition = definitionOf('app');
const created = {
  type: 'task.created',
  data: { definition, definitionHash: definitionHash(definition), by: 'me' },
} as const;
const opened = {
  type: 'task.circuit-opened',
  data: { task: 'app', key: 'k1', failures: 3, retryAt: '2026-01-01T01:00:00.000Z', reason: 'exit 1' },
} as const;
const closed = (reason: 'HalfOpen' | 'Succeeded') =>
  ({ type: 'task.circuit-closed', data: { task: 'app', reason } }) as const;
const open = (failures: number) =>
  ({
    type: 'open-circuit',
    name: 'app',
    key: 'k1',
    failures,
    at: '2026-01-01T00:00:00.000Z',
    reason: 'exit 1',
  }) as const;
const close = { type: 'close-circuit', name: 'app', reason: 'Succeeded' } as const;

describe('the circuit of a task', () => {
  it('opens once for three failures, and a half-open try does not open it for the same three again', () => {
    decider(taskDecider).given(created).when(open(3)).then(opened);
    decider(taskDecider).given(created, opened).when(open(3)).then();
    decider(taskDecider).given(created, opened, closed('HalfOpen')).when(open(3)).then();
  });

  it('opens again for the same inputs when a half-open try had succeeded in between', () => {
    decider(taskDecider).given(created, opened, closed('HalfOpen')).when(close).then(closed('Succeeded'));
    decider(taskDecider).given(created, opened, closed('HalfOpen'), closed('Succeeded')).when(open(3)).then(opened);
  });

  it('is not closed when nothing had opened it', () => {
    decider(taskDecider).given(created).when(close).then();
    decider(taskDecider).given(created, opened, closed('Succeeded')).when(close).then();
  });
});
