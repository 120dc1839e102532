import { describe, it } from 'vitest';
import type { PolicyDefinition } from '#libs/contracts';
import { decider } from '#libs/testing';
import { policyDecider } from './policy.decider.js';

const definition: PolicyDefinition = { name: 'public', match: ['docker.io/*'], minimumAge: '24h' };
const created = { type: 'policy.created', data: { definition } } as const;
const deleted = { type: 'policy.deleted', data: { name: 'public' } } as const;
const updated = (more: Partial<PolicyDefinition>) =>
  ({ type: 'policy.updated', data: { definition: { ...definition, ...more } } }) as const;
const { given } = decider(policyDecider, 'public');

describe('a policy', () => {
  it('is made once, and can be made again when it was deleted', () => {
    given().when({ type: 'create', definition }).then(created);
    given(created).when({ type: 'create', definition }).thenThrows('ALREADY_EXISTS');
    given(created, deleted).when({ type: 'create', definition }).then(created);
  });

  it('is changed field by field: absent stays, null removes, the same is nothing', () => {
    const update = (patch: object) => ({ type: 'update', name: 'public', patch }) as const;
    given(created)
      .when(update({ hold: true }))
      .then(updated({ hold: true }));
    given(created)
      .when(update({ minimumAge: null }))
      .then({ type: 'policy.updated', data: { definition: { name: 'public', match: ['docker.io/*'] } } });
    given(created)
      .when(update({ minimumAge: '24h' }))
      .then();
    given()
      .when(update({ hold: true }))
      .thenThrows('NOT_FOUND');
  });

  it('is applied: made where there is none, changed where it differs, else left alone', () => {
    const apply = { type: 'apply', change: () => definition } as const;
    given().when(apply).then(created);
    given(created).when(apply).then();
    given(created, updated({ hold: true }))
      .when(apply)
      .then(updated({}));
  });

  it('is pruned by the set that made it alone, and deleted by whoever may', () => {
    const marked = { type: 'policy.created', data: { definition: { ...definition, appliedBy: 'web/shop' } } } as const;
    given(marked).when({ type: 'prune', name: 'public', mark: 'web/shop' }).then(deleted);
    given(marked).when({ type: 'prune', name: 'public', mark: 'web/other' }).then();
    given(created).when({ type: 'delete', name: 'public' }).then(deleted);
    given().when({ type: 'delete', name: 'public' }).thenThrows('NOT_FOUND');
  });
});
