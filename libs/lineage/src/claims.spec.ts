import { describe, expect, it } from 'vitest';
import { parseReference } from '#libs/oci';
import { candidateClaim, claimsOf, joinClaims } from './claims.js';
import { standsOn } from './testing/images.js';

const digest = `sha256:${'a'.repeat(64)}`;
const other = `sha256:${'b'.repeat(64)}`;

describe('what annotations and labels say about a base', () => {
  it('is a name and what it meant', () => {
    expect(claimsOf(standsOn('node:22', digest), 'Manifest')).toEqual({
      claims: [{ source: 'Manifest', reference: parseReference('node:22'), digest, pinned: false }],
      scratch: false,
      problems: [],
    });
    expect(claimsOf(standsOn('node'), 'Label').claims[0]).toMatchObject({
      reference: { registry: 'docker.io', repository: 'library/node', tag: 'latest' },
      digest: undefined,
    });
  });

  it('does not move when the build named a digest', () => {
    const [claim] = claimsOf(standsOn(`node:22@${digest}`, digest), 'Manifest').claims;
    expect(claim).toMatchObject({ reference: { tag: '22' }, digest, pinned: true });
    expect(claim?.reference.digest).toBeUndefined();
    expect(claimsOf(standsOn(`node@${digest}`), 'Index').claims[0]).toMatchObject({ digest, pinned: true });
  });

  it('believes the digest beside the name before the one in it', () => {
    expect(claimsOf(standsOn(`node:22@${digest}`, other), 'Manifest').claims[0]?.digest).toBe(other);
  });

  it('is nothing when the name is missing or empty, and says so when a digest stands alone', () => {
    expect(claimsOf(undefined, 'Manifest').claims).toEqual([]);
    expect(claimsOf({ 'org.opencontainers.image.base.name': '' }, 'Manifest').problems).toEqual([]);
    expect(claimsOf(standsOn('', digest), 'Manifest').problems).toEqual([
      'In its annotations: has a base digest but no base name',
    ]);
    expect(claimsOf(standsOn('', digest), 'Label').problems).toEqual([]);
  });

  it('knows scratch, and says what is no name and no digest', () => {
    expect(claimsOf(standsOn('scratch'), 'Label').scratch).toBe(true);
    expect(claimsOf(standsOn('Not A Name'), 'Index')).toMatchObject({
      claims: [],
      problems: [expect.stringMatching(/^In the annotations of its index: "Not A Name" is not an image reference/)],
    });
    const { claims, problems } = claimsOf(standsOn('node:22', 'md5:1'), 'Descriptor');
    expect(claims[0]?.digest).toBeUndefined();
    expect(problems).toEqual([
      'In the annotations of its entry in the index: has the base digest "md5:1", which is none',
    ]);
  });

  it('takes a candidate with tag and digest for an earlier image of the tag, and one with a digest for pinned', () => {
    expect(candidateClaim(parseReference(`node:22@${digest}`))).toMatchObject({ digest, pinned: false });
    expect(candidateClaim(parseReference(`node@${digest}`))).toMatchObject({ digest, pinned: true });
    expect(candidateClaim(parseReference('node:22'))).toMatchObject({ digest: undefined, pinned: false });
  });

  it('is kept in the order of trust', () => {
    const all = joinClaims(claimsOf(standsOn('a'), 'Manifest'), claimsOf(standsOn('b'), 'Label'));
    expect(all.claims.map(({ source }) => source)).toEqual(['Manifest', 'Label']);
  });
});
