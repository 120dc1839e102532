import { describe, expect, it } from 'vitest';
import { decider } from '#libs/testing';
import { webhookDecider } from './webhook.decider.js';

const definition = {
  name: 'ci',
  url: 'https://hooks.test/plinth',
  eventTypes: ['run.*'],
  team: 'web',
  status: 'Enabled' as const,
};
const by = 'ada';
const name = 'ci';
const created = { type: 'webhook.created', data: { definition, secretVersion: 1, by } } as const;
const disabled = {
  type: 'webhook.disabled',
  data: { webhook: name, reason: 'Gone', position: 7, message: 'The endpoint answered 410.' },
} as const;
const enabled = { type: 'webhook.updated', data: { definition, by } } as const;
const { given } = decider(webhookDecider, name);

describe('a webhook', () => {
  it('is made once, changed when something is different, and deleted', () => {
    const create = { type: 'create', definition, secretVersion: 1, by } as const;
    given().when(create).then(created);
    given(created).when(create).thenThrows('ALREADY_EXISTS');
    given(created)
      .when({ type: 'update', name, patch: { url: definition.url, status: undefined }, by })
      .then();
    given(created)
      .when({ type: 'update', name, patch: { status: 'Disabled' }, by })
      .then({ type: 'webhook.updated', data: { definition: { ...definition, status: 'Disabled' }, by } });
    given(created)
      .when({ type: 'delete', name, by })
      .then({ type: 'webhook.deleted', data: { webhook: name, by } });
    given(created, { type: 'webhook.deleted', data: { webhook: name, by } })
      .when({ type: 'delete', name, by })
      .thenThrows('NOT_FOUND');
  });

  it('that is disabled by Plinth says why, and goes on where it stopped once it is enabled again', () => {
    expect(given(created, disabled).state).toMatchObject({
      definition: { status: 'Disabled' },
      disabled: { by: 'Gone', message: 'The endpoint answered 410.' },
      since: 1,
    });
    expect(given(created, disabled, enabled).state).toMatchObject({ disabled: null, since: 1, enabledSince: 3 });
  });

  it('that gets another address forgets what failed at the one before, and nothing else changes that', () => {
    const moved = {
      type: 'webhook.updated',
      data: { definition: { ...definition, url: 'https://other.test/' }, by },
    } as const;
    expect(given(created, moved).state.enabledSince).toBe(2);
    const narrowed = {
      type: 'webhook.updated',
      data: { definition: { ...definition, eventTypes: definition.eventTypes.concat('tag.*') }, by },
    } as const;
    expect(given(created, narrowed).state.enabledSince).toBe(1);
    const off = { type: 'webhook.updated', data: { definition: { ...definition, status: 'Disabled' }, by } } as const;
    expect(given(created, off).state.disabled).toMatchObject({ by: 'Request', message: 'Disabled by ada.' });
    expect(given(created, disabled, off).state.disabled).toMatchObject({ by: 'Gone' });
  });

  it('that a person has enabled anew is not disabled for what was before', () => {
    const command = { type: 'disable', ...disabled.data, enabledSince: 1 } as const;
    given(created).when(command).then(disabled);
    given(created, disabled, enabled).when(command).then();
    given(created, disabled).when(command).then();
  });

  it('signs with the secret before, too, for a while after it got a new one', () => {
    const previousUntil = '2026-01-02T00:00:00.000Z';
    const rotated = {
      type: 'webhook.secret-rotated',
      data: { webhook: name, secretVersion: 2, previousUntil, by },
    } as const;
    given(created).when({ type: 'rotate', name, secretVersion: 2, previousUntil, by }).then(rotated);
    expect(given(created, rotated).state).toMatchObject({
      secretVersion: 2,
      previousSecret: { version: 1, until: previousUntil },
    });
  });

  it('remembers what is to be delivered again, by the position of the request', () => {
    const asked = { type: 'webhook.replay-requested', data: { webhook: name, from: 3, to: 9, by } } as const;
    given(created).when({ type: 'replay', name, from: 3, to: 9, by }).then(asked);
    expect(given(created, asked).state.replays).toEqual([{ at: 2, from: 3, to: 9 }]);
  });
});
