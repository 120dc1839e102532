import { describe, expect, it } from 'vitest';
import { sourcePolicy } from './source-policy.js';

const digest = `sha256:${'a'.repeat(64)}`;

describe('a source policy', () => {
  it('refuses everything that is not pinned', () => {
    expect(sourcePolicy([]).rules).toEqual([
      { action: 'DENY', selector: { identifier: 'docker-image://*', matchType: 'WILDCARD' } },
    ]);
  });

  it('turns a tag into its digest and lets that in', () => {
    const pinned = `docker-image://docker.io/library/node:22@${digest}`;
    expect(sourcePolicy([{ reference: 'docker.io/library/node:22', digest }]).rules.slice(1)).toEqual([
      {
        action: 'CONVERT',
        selector: { identifier: 'docker-image://docker.io/library/node:22', matchType: 'EXACT' },
        updates: { identifier: pinned },
      },
      { action: 'ALLOW', selector: { identifier: pinned, matchType: 'EXACT' } },
    ]);
  });

  it('lets in a reference that names its digest itself', () => {
    expect(sourcePolicy([{ reference: `example.com/app@${digest}`, digest }]).rules.slice(1)).toEqual([
      { action: 'ALLOW', selector: { identifier: `docker-image://example.com/app@${digest}`, matchType: 'EXACT' } },
    ]);
  });
});
