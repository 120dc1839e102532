import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalReference,
  digestOf,
  familiarReference,
  formatReference,
  InvalidReferenceError,
  isPinned,
  parseDigest,
  parseReference,
  repositoryName,
  withDigest,
  withTag,
  type Reference,
} from './reference.js';

const sha = `sha256:${'a'.repeat(64)}`;
const sha512 = `sha512:${'b'.repeat(128)}`;

describe('parseReference', () => {
  it.each([
    ['node', 'docker.io/library/node:latest'],
    ['node:22', 'docker.io/library/node:22'],
    ['library/node:22', 'docker.io/library/node:22'],
    ['docker.io/node:22', 'docker.io/library/node:22'],
    ['docker.io/library/node:22', 'docker.io/library/node:22'],
    ['index.docker.io/node:22', 'docker.io/library/node:22'],
    ['registry-1.docker.io/library/node:22', 'docker.io/library/node:22'],
    ['registry.hub.docker.com/library/node:22', 'docker.io/library/node:22'],
    ['Docker.IO/node:22', 'docker.io/library/node:22'],
    ['bitnami/redis', 'docker.io/bitnami/redis:latest'],
    ['a/b/c/d', 'docker.io/a/b/c/d:latest'],
    ['ghcr.io/acme/app:v1', 'ghcr.io/acme/app:v1'],
    ['GHCR.io/acme/app:v1', 'ghcr.io/acme/app:v1'],
    ['ghcr.io/app', 'ghcr.io/app:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app:1', 'localhost:5000/app:1'],
    ['localhost:5000', 'docker.io/library/localhost:5000'],
    ['registry:5000/app', 'registry:5000/app:latest'],
    ['registry/app', 'docker.io/registry/app:latest'],
    ['Registry/app', 'Registry/app:latest'],
    ['[::1]:5000/app:1', '[::1]:5000/app:1'],
    ['10.0.0.1/a__b/c---d/e.f_g:T-._', '10.0.0.1/a__b/c---d/e.f_g:T-._'],
    [`node@${sha}`, `docker.io/library/node@${sha}`],
    [`node:22@${sha}`, `docker.io/library/node:22@${sha}`],
    [`quay.io/a/b@${sha512}`, `quay.io/a/b@${sha512}`],
    [`docker.io/library/${'a'.repeat(64)}`, `docker.io/library/${'a'.repeat(64)}:latest`],
  ])('reads %s as %s', (text, canonical) => {
    expect(canonicalReference(text)).toBe(canonical);
  });

  it.each([
    ['', 'empty'],
    ['https://ghcr.io/a/b', 'no scheme'],
    ['docker://node', 'no scheme'],
    ['Node', 'lower case'],
    ['ghcr.io/Acme/app', 'lower case'],
    ['ghcr.io/', 'empty'],
    ['/node', 'empty'],
    ['a//b', 'empty'],
    ['node:', 'not a tag'],
    ['node:.x', 'not a tag'],
    [`node:${'x'.repeat(129)}`, 'not a tag'],
    ['node:a:b', 'not a tag'],
    ['node@', 'not a digest'],
    ['node@sha256:abc', 'not a digest'],
    [`node@sha256:${'A'.repeat(64)}`, 'not a digest'],
    [`node@md5:${'a'.repeat(32)}`, 'not a digest'],
    [`node@${sha}@${sha}`, 'not a digest'],
    [`node@${sha}:tag`, 'not a digest'],
    [' node', 'cannot be part'],
    ['node\n', 'cannot be part'],
    ['a.-b', 'cannot be part'],
    ['a___b', 'cannot be part'],
    ['ghcr.io/a..b', 'cannot be part'],
    ['-host.io/app', 'not a registry host'],
    ['user:pass@host/app', 'not a digest'],
    ['ho st.io/app', 'not a registry host'],
    ['a'.repeat(64), 'image ID'],
    [`x/${'a'.repeat(256)}`, 'longer than 255'],
  ])('refuses %j and says why', (text, why) => {
    expect(() => parseReference(text)).toThrow(InvalidReferenceError);
    expect(() => parseReference(text)).toThrow(why);
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'INVALID_REFERENCE', text }));
  });

  it('never throws anything but InvalidReferenceError, and is stable under its own output', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'aZ0.:/@-_[]'.split('')) })), (text) => {
        let ref: Reference;
        try {
          ref = parseReference(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidReferenceError);
          return;
        }
        expect(parseReference(formatReference(ref))).toEqual(ref);
      }),
      { numRuns: 2000 },
    );
  });
});

const component = fc.stringMatching(/^[a-z0-9]{1,8}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/);
const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,5}[a-z0-9])?$/);
const host = fc
  .tuple(fc.array(label, { minLength: 2, maxLength: 3 }), fc.option(fc.integer({ min: 1, max: 65535 })))
  .map(([labels, port]) => `${labels.join('.')}${port === null ? '' : `:${port}`}`);
const anyRegistry = fc.oneof(fc.constant('docker.io'), fc.constant('localhost'), host);
const references: fc.Arbitrary<Reference> = fc
  .record({
    registry: anyRegistry,
    path: fc.array(component, { minLength: 1, maxLength: 4 }),
    tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)),
    content: fc.option(fc.uint8Array()),
  })
  .map(({ registry, path, tag, content }) => ({
    registry,
    repository: registry === 'docker.io' && path.length === 1 ? `library/${path[0]}` : path.join('/'),
    ...(tag === null && content !== null ? {} : { tag: tag ?? 'latest' }),
    ...(content === null ? {} : { digest: digestOf(content) }),
  }));

describe('writing references', () => {
  it('reads back every reference from its canonical and from its familiar form', () => {
    fc.assert(
      fc.property(references, (ref) => {
        expect(parseReference(formatReference(ref))).toEqual(ref);
        expect(parseReference(familiarReference(ref))).toEqual(ref);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['docker.io/library/node:22', 'node:22'],
    ['docker.io/bitnami/redis:7', 'bitnami/redis:7'],
    ['docker.io/library/a/b:7', 'library/a/b:7'],
    ['docker.io/my.org/app:1', 'docker.io/my.org/app:1'],
    ['ghcr.io/a/b:1', 'ghcr.io/a/b:1'],
  ])('shows %s to people as %s', (canonical, familiar) => {
    expect(familiarReference(parseReference(canonical))).toBe(familiar);
  });

  it('pins a tag to a digest and keeps the tag to show', () => {
    const pinned = withDigest(parseReference('node:22'), parseDigest(sha));
    expect(formatReference(pinned)).toBe(`docker.io/library/node:22@${sha}`);
    expect(isPinned(pinned)).toBe(true);
    expect(isPinned(parseReference('node:22'))).toBe(false);
  });

  it('drops the digest when the tag changes, because it belonged to the other tag', () => {
    expect(formatReference(withTag(parseReference(`node:22@${sha}`), '24'))).toBe('docker.io/library/node:24');
    expect(() => withTag(parseReference('node'), 'a b')).toThrow(InvalidReferenceError);
  });

  it('names the repository alone', () => {
    expect(repositoryName(parseReference('node:22'))).toBe('docker.io/library/node');
  });
});

describe('digests', () => {
  it('computes the well-known sha256 of nothing', () => {
    expect(digestOf(new Uint8Array())).toBe('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it.each(['', 'sha256', 'sha256:', sha.toUpperCase(), `${sha}0`, ` ${sha}`])('refuses %j', (text) => {
    expect(() => parseDigest(text)).toThrow(InvalidReferenceError);
  });
});
