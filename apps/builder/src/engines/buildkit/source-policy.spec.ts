import { describe, expect, it } from 'vitest';
import { sourcePolicy } from './source-policy.js';

const digest = `sha256:${'a'.repeat(64)}`;

describe('a source policy', () => {
  it('refuses everything that is not pinned', () => {
    expect(sourcePolicy([], []).rules).toEqual([
      { action: 'DENY', selector: { identifier: 'docker-image://*', matchType: 'WILDCARD' } },
    ]);
  });

  it('turns a tag into its digest and lets that in', () => {
    const pinned = `docker-image://docker.io/library/node:22@${digest}`;
    expect(sourcePolicy([{ reference: 'docker.io/library/node:22', digest }], []).rules.slice(1)).toEqual([
      {
        action: 'CONVERT',
        selector: { identifier: 'docker-image://docker.io/library/node:22', matchType: 'EXACT' },
        updates: { identifier: pinned },
      },
      { action: 'ALLOW', selector: { identifier: pinned, matchType: 'EXACT' } },
    ]);
  });

  it('lets in a reference that names its digest itself', () => {
    expect(sourcePolicy([{ reference: `example.com/app@${digest}`, digest }], []).rules.slice(1)).toEqual([
      { action: 'ALLOW', selector: { identifier: `docker-image://example.com/app@${digest}`, matchType: 'EXACT' } },
    ]);
  });

  it('leads a reference to where its registry is', () => {
    const registries = [{ registry: 'example.com', endpoint: '127.0.0.1:5000', scheme: 'http' } as const];
    const there = `docker-image://127.0.0.1:5000/app:1@${digest}`;
    expect(sourcePolicy([{ reference: 'example.com/app:1', digest }], registries).rules.slice(1)).toEqual([
      {
        action: 'CONVERT',
        selector: { identifier: 'docker-image://example.com/app:1', matchType: 'EXACT' },
        updates: { identifier: there },
      },
      { action: 'ALLOW', selector: { identifier: there, matchType: 'EXACT' } },
    ]);
    expect(sourcePolicy([{ reference: `example.com/app@${digest}`, digest }], registries).rules).toHaveLength(3);
  });
});
