import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatReference } from '#libs/oci';
import { imagesOfProvenance, isProvenance } from './provenance.js';

const hex = 'a'.repeat(64);
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const names = (value: unknown): string[] =>
  imagesOfProvenance(bytes(value)).map(({ reference }) => formatReference(reference));

describe('the images of a provenance statement', () => {
  it('are read of SLSA 0.2 and of version 1', () => {
    const material = { uri: 'pkg:docker/alpine@3.20?platform=linux%2Famd64', digest: { sha256: hex } };
    const [claim] = imagesOfProvenance(bytes({ predicate: { materials: [material] } }));
    expect(claim).toEqual({
      source: 'Provenance',
      reference: { registry: 'docker.io', repository: 'library/alpine', tag: '3.20' },
      digest: `sha256:${hex}`,
      pinned: false,
    });
    expect(names({ predicate: { buildDefinition: { resolvedDependencies: [material] } } })).toEqual([
      'docker.io/library/alpine:3.20',
    ]);
  });

  it('keep their registry, port and path, and are pinned when the build named a digest', () => {
    const materials = [
      { uri: 'pkg:docker/ghcr.io/acme/team/base@1', digest: { sha256: hex } },
      { uri: 'pkg:docker/localhost%3A5000/base@1', digest: { sha256: hex } },
      { uri: `pkg:docker/alpine?digest=sha256:${hex}`, digest: { sha256: hex } },
      { uri: `pkg:docker/alpine@sha256:${hex}`, digest: { sha256: hex } },
    ];
    const claims = imagesOfProvenance(bytes({ predicate: { materials } }));
    expect(claims.map(({ reference }) => formatReference(reference))).toEqual([
      'ghcr.io/acme/team/base:1',
      'localhost:5000/base:1',
      'docker.io/library/alpine:latest',
      `docker.io/library/alpine@sha256:${hex}`,
    ]);
    expect(claims.map(({ pinned }) => pinned)).toEqual([false, false, true, true]);
  });

  it('leave out what is no image, and what cannot be read', () => {
    const materials = [
      { uri: 'https://github.com/acme/app.git', digest: { sha1: 'b'.repeat(40) } },
      { uri: 'pkg:docker/Not%20A%20Name@1' },
      { uri: 'pkg:docker/%' },
      { digest: {} },
      'text',
      null,
    ];
    expect(names({ predicate: { materials } })).toEqual([]);
    expect(names({ predicate: {} })).toEqual([]);
    expect(imagesOfProvenance(Buffer.from('not JSON'))).toEqual([]);
  });

  it('never throw, whatever a registry sends', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, uri) => {
        imagesOfProvenance(bytes(value));
        imagesOfProvenance(bytes({ predicate: { materials: [{ uri: `pkg:docker/${uri}`, digest: value }] } }));
      }),
    );
  });

  it('are looked for in provenance only', () => {
    expect(isProvenance('https://slsa.dev/provenance/v0.2')).toBe(true);
    expect(isProvenance('https://slsa.dev/provenance/v1')).toBe(true);
    expect(isProvenance('https://spdx.dev/Document')).toBe(false);
    expect(isProvenance(undefined)).toBe(false);
  });
});
