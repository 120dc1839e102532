import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf, type ImageManifest, parseManifest } from '#libs/oci';
import { contentOf, packArtifact, readProvenance, UnreadableProvenance } from './artifact.js';
import { readSigningKey } from './envelope.js';

const signingKey = () =>
  readSigningKey(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
const statement = JSON.stringify({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [],
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: { buildDefinition: { buildType: 'x', resolvedDependencies: [] }, runDetails: {} },
});
const subject = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${'a'.repeat(64)}`,
  size: 7,
};
const pack = (key?: ReturnType<typeof signingKey>) => packArtifact(statement, subject, new Date(0), key);
const content = (artifact: ReturnType<typeof pack>) => {
  const manifest = parseManifest(artifact.bytes, artifact.mediaType) as ImageManifest;
  const blob = artifact.blobs.find(({ digest }) => digest === contentOf(manifest));
  return blob?.bytes ?? new Uint8Array();
};

describe('an artifact', () => {
  it('has every blob that its manifest names, under its digest, and says what it is about', () => {
    const artifact = pack(signingKey());
    const manifest = parseManifest(artifact.bytes, artifact.mediaType) as ImageManifest;
    const named = [manifest.config, ...manifest.layers].map(({ digest }) => digest);
    expect(artifact.blobs.map(({ bytes }) => digestOf(bytes))).toEqual(named);
    expect(manifest.subject?.digest).toBe(subject.digest);
  });

  it('reads back as it was packed, signed or not', () => {
    const key = signingKey();
    expect(readProvenance(content(pack()))).toMatchObject({ signedBy: [], isVerified: undefined });
    const read = readProvenance(content(pack(key)), createPublicKey(key));
    expect(JSON.stringify(read.statement)).toBe(statement);
    expect(read).toMatchObject({ isVerified: true });
  });

  it('that is not signed, or by another key, is not verified', () => {
    const [key, other] = [signingKey(), signingKey()];
    expect(readProvenance(content(pack()), createPublicKey(key)).isVerified).toBe(false);
    expect(readProvenance(content(pack(other)), createPublicKey(key)).isVerified).toBe(false);
  });

  it('of somebody else is refused in words, whatever it holds', () => {
    for (const [text, words] of [
      ['no json', /no JSON/],
      ['{}', /no statement/],
      [statement.replace('slsa.dev', 'spdx.dev'), /no statement/],
      [JSON.stringify({ payloadType: 'text/x', payload: '', signatures: [] }), /an envelope around text\/x/],
    ] as const) {
      expect(() => readProvenance(Buffer.from(text))).toThrow(words);
    }
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        try {
          readProvenance(Buffer.from(text), createPublicKey(signingKey()));
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableProvenance);
        }
      }),
      { numRuns: 200 },
    );
  });
});
