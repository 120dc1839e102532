import { describe, expect, it } from 'vitest';
import { definitionHash } from '#libs/domain';
import { decider } from '#libs/testing';
import { definitionOf } from '../testing/samples.js';
import { taskDecider, type TaskCommand } from './task.decider.js';

const app = definitionOf('app');
const other = definitionOf('app', {}, { timeout: 600 });
const rebuilt = definitionOf('app', { target: 'release' });
const by = 'ada';
const hash = definitionHash(app);

const created = { type: 'task.created', data: { definition: app, definitionHash: hash, by } } as const;
const updated = (definition: typeof app) =>
  ({ type: 'task.updated', data: { definition, definitionHash: definitionHash(definition), by } }) as const;
const deleted = { type: 'task.deleted', data: { task: 'app', by } } as const;
const scan = {
  task: 'app',
  definitionHash: hash,
  sourceRevision: null,
  status: 'Known' as const,
  reason: null,
  inputs: [],
};
const scanned = { type: 'task.scanned', data: scan } as const;
const at = '2026-01-01T00:00:00.000Z';
const open = (failures: number, key = 'k1'): TaskCommand => ({
  type: 'open-circuit',
  name: 'app',
  key,
  failures,
  at,
  reason: 'RUN failed',
});
const opened = (failures: number, hours: number, key = 'k1') =>
  ({
    type: 'task.circuit-opened',
    data: {
      task: 'app',
      key,
      failures,
      retryAt: new Date(Date.parse(at) + hours * 3_600_000).toISOString(),
      reason: 'RUN failed',
    },
  }) as const;
const close = (reason: 'Succeeded' | 'NewInputs' | 'Reset' | 'HalfOpen'): TaskCommand => ({
  type: 'close-circuit',
  name: 'app',
  reason,
});
const closed = (reason: 'Succeeded' | 'NewInputs' | 'Reset' | 'HalfOpen') =>
  ({ type: 'task.circuit-closed', data: { task: 'app', reason } }) as const;
const { given } = decider(taskDecider, 'app');

describe('a task', () => {
  it('is created once, and again after it was deleted', () => {
    given().when({ type: 'create', definition: app, by }).then(created);
    given(created).when({ type: 'create', definition: app, by }).thenThrows('ALREADY_EXISTS');
    given(created, deleted).when({ type: 'create', definition: app, by }).then(created);
  });

  it('is changed, and says nothing when the change changes nothing', () => {
    given(created)
      .when({ type: 'update', name: 'app', change: () => other, by })
      .then(updated(other));
    given(created)
      .when({ type: 'update', name: 'app', change: (now) => ({ ...now }), by })
      .then();
  });

  it('is not there before it is created, nor after it was deleted', () => {
    for (const past of [given(), given(created, deleted)]) {
      past.when({ type: 'update', name: 'app', change: () => other, by }).thenThrows('NOT_FOUND');
      past.when({ type: 'delete', name: 'app', by }).thenThrows('NOT_FOUND');
      past.when(close('Reset')).thenThrows('NOT_FOUND');
    }
    given(created).when({ type: 'delete', name: 'app', by }).then(deleted);
  });
});

describe('a scan', () => {
  const take: TaskCommand = { type: 'scanned', result: scan };

  it('is taken once for each definition', () => {
    given(created).when(take).then(scanned);
    given(created, scanned).when(take).then();
  });

  it('is taken again when what is built changed, and not when something else did', () => {
    expect(given(created, scanned, updated(other)).state.scanned).toBe(true);
    expect(given(created, scanned, updated(rebuilt)).state.scanned).toBe(false);
  });

  it('of an older definition, or of a deleted task, is dropped', () => {
    given(created, updated(rebuilt)).when(take).then();
    given(created, deleted).when(take).then();
  });
});

describe('a circuit', () => {
  it('opens at the third failure of one key, and says when it is tried again', () => {
    given(created).when(open(2)).then();
    given(created).when(open(3)).then(opened(3, 1));
  });

  it('waits 1, 2, 4 … 32 hours, then a day', () => {
    const hours = [1, 2, 4, 8, 16, 32, 24, 24];
    for (const [index, wait] of hours.entries()) {
      given(created)
        .when(open(3 + index))
        .then(opened(3 + index, wait));
    }
  });

  it('opens once for the same failures, also after a half-open try', () => {
    given(created, opened(3, 1)).when(open(3)).then();
    given(created, opened(3, 1), closed('HalfOpen')).when(open(3)).then();
    given(created, opened(3, 1), closed('HalfOpen')).when(open(4)).then(opened(4, 2));
  });

  it('opens anew after a reset, and for other inputs', () => {
    given(created, opened(3, 1), closed('Reset')).when(open(3)).then(opened(3, 1));
    given(created, opened(3, 1))
      .when(open(3, 'k2'))
      .then(opened(3, 1, 'k2'));
  });

  it('opens again for the same inputs when a half-open try had succeeded in between', () => {
    const tried = [created, opened(3, 1), closed('HalfOpen')] as const;
    given(...tried)
      .when(close('Succeeded'))
      .then(closed('Succeeded'));
    given(...tried, closed('Succeeded'))
      .when(open(3))
      .then(opened(3, 1));
    given(created, opened(3, 1), closed('Succeeded')).when(close('Succeeded')).then();
  });

  it('closes once; a reset is always said, since it also takes back what a person declined', () => {
    given(created, opened(3, 1)).when(close('Succeeded')).then(closed('Succeeded'));
    given(created).when(close('Succeeded')).then();
    given(created).when(close('Reset')).then(closed('Reset'));
  });

  it('closes when something else is built, and not when another setting changes', () => {
    expect(given(created, opened(3, 1), updated(other)).state.circuit).not.toBeNull();
    expect(given(created, opened(3, 1), updated(rebuilt)).state.circuit).toBeNull();
  });

  it('goes with the task', () => {
    given(created, opened(3, 1), deleted).when(open(4)).then();
    expect(given(created, opened(3, 1), deleted, created).state).toMatchObject({ circuit: null, opened: null });
  });

  describe('is applied', () => {
    const ours = { ...app, appliedBy: 'shop' };
    const apply = (definition: typeof app): TaskCommand => ({ type: 'apply', change: () => definition, by });
    const prune: TaskCommand = { type: 'prune', name: 'app', mark: 'shop', by };

    it('and is created where there is none, changed where it differs, left alone where it does not', () => {
      given().when(apply(app)).then(created);
      given(created).when(apply(other)).then(updated(other));
      given(created)
        .when(apply({ ...app }))
        .then();
    });

    it('on what it is by then, not on what it was when it was checked', () => {
      const change = (known: typeof app | null) => ({ ...app, timeout: (known?.timeout ?? 0) + 1 });
      given(created, updated(other))
        .when({ type: 'apply', change, by })
        .then(updated({ ...app, timeout: 601 }));
    });

    it('and is pruned only by the set that made it', () => {
      given({ type: 'task.created', data: { definition: ours, definitionHash: hash, by } } as const)
        .when(prune)
        .then(deleted);
      given(created).when(prune).then();
      given(created, deleted).when(prune).then();
    });
  });
});
