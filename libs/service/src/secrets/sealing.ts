import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyRing } from './key-file.js';

/** A value that only a key of the key file opens. Texts are base64. */
export interface Sealed {
  /** Id of the key. */
  readonly key: string;
  readonly iv: string;
  readonly tag: string;
  readonly data: string;
}

/**
 * AES-256-GCM under the current key. `about` is authenticated with it, so that a sealed value cannot be put in the
 * place of another one.
 */
export const seal = (ring: KeyRing, about: string, value: string): Sealed => {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', ring.current.key, iv);
  cipher.setAAD(Buffer.from(`${ring.current.id} ${about}`, 'utf8'));
  const data = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return {
    key: ring.current.id,
    iv: iv.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    data: data.toString('base64'),
  };
};

/** @throws Error when the key is not in the ring, or the value was not sealed as `about` with it */
export const unseal = (ring: KeyRing, about: string, sealed: Sealed): string => {
  const key = ring.keys.get(sealed.key);
  if (!key)
    throw new Error(`It is sealed with the key ${sealed.key}, which is not in the key file. Put that key back.`);
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(sealed.iv, 'base64'), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(`${sealed.key} ${about}`, 'utf8'));
  decipher.setAuthTag(Buffer.from(sealed.tag, 'base64'));
  try {
    return Buffer.concat([decipher.update(Buffer.from(sealed.data, 'base64')), decipher.final()]).toString('utf8');
  } catch {
    // OpenSSL says no more than that it failed.
    throw new Error(
      `It was not sealed with the key ${sealed.key} as it stands in the key file, or it was changed since.`,
    );
  }
};
