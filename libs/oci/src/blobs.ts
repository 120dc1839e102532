import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { RegistryError, type RegistryErrorDetails } from './errors.js';
import type { Digest } from './reference.js';

/** Passes bytes through and fails at the end when they are not the content that the digest names. */
export function verifying(digest: Digest, asked: RegistryErrorDetails): Transform {
  const [algorithm = 'sha256', expected] = digest.split(':');
  const hash = createHash(algorithm);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const actual = hash.digest('hex');
      done(actual === expected ? null : mismatch(digest, `${algorithm}:${actual}`, asked));
    },
  });
}

/** The digest of these bytes in the algorithm of another digest. */
export function digestLike(bytes: Uint8Array, like: Digest | undefined): Digest {
  const algorithm = like?.split(':')[0] ?? 'sha256';
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

export function mismatch(expected: string, actual: string, asked: RegistryErrorDetails): RegistryError {
  return new RegistryError(
    'INVALID_RESPONSE',
    `${asked.reference ?? asked.registry}: the content served as ${expected} is really ${actual}; ` +
      'the registry, or something before it, is broken or has been tampered with',
    asked,
  );
}
