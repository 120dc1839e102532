import { describe, it } from 'vitest';
import type { RegistryDefinition } from '#libs/contracts';
import { decider } from '#libs/testing';
import { registryDecider } from './registry.decider.js';

const host = 'registry.test:5000';
const definition: RegistryDefinition = { host, kind: 'Generic', scheme: 'http', poll: { intervalSeconds: 60 } };
const login = { username: 'bot', password: 'registry-password' };
const registered = (more: Partial<RegistryDefinition> = {}) =>
  ({ type: 'registry.registered', data: { definition: { ...definition, ...more } } }) as const;
const updated = (changed: RegistryDefinition) => ({ type: 'registry.updated', data: { definition: changed } }) as const;
const removed = { type: 'registry.removed', data: { host } } as const;
const { given } = decider(registryDecider, host);

describe('a registry', () => {
  it('is made known once', () => {
    given().when({ type: 'register', definition }).then(registered());
    given(registered()).when({ type: 'register', definition }).thenThrows('ALREADY_EXISTS');
  });

  it('can be made known again after it was removed', () => {
    given(registered(), removed).when({ type: 'register', definition }).then(registered());
  });

  it('is changed field by field: what is not said stays', () => {
    given(registered({ credentials: login }))
      .when({ type: 'update', host, patch: { poll: { intervalSeconds: 5 } } })
      .then(updated({ ...definition, credentials: login, poll: { intervalSeconds: 5 } }));
  });

  it('loses what is set to null', () => {
    given(registered({ credentials: login }))
      .when({ type: 'update', host, patch: { credentials: null } })
      .then(updated(definition));
  });

  it('says nothing when a change changes nothing', () => {
    given(registered())
      .when({ type: 'update', host, patch: { scheme: 'http' } })
      .then();
    given(registered()).when({ type: 'update', host, patch: {} }).then();
    given(registered())
      .when({ type: 'update', host, patch: { credentials: null, endpoint: undefined } as never })
      .then();
  });

  it('is not there before it is made known, nor after it was removed', () => {
    given().when({ type: 'update', host, patch: {} }).thenThrows('NOT_FOUND');
    given().when({ type: 'remove', host }).thenThrows('NOT_FOUND');
    given(registered()).when({ type: 'remove', host }).then(removed);
    given(registered(), removed).when({ type: 'remove', host }).thenThrows('NOT_FOUND');
  });
});
