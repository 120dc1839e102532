import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** A DSSE envelope (secure-systems-lab/dsse, envelope.md). */
export interface Envelope {
  readonly payloadType: string;
  /** base64 */
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** A key that cannot sign provenance; the message says what was expected and repeats nothing of the key. */
export class SigningKeyError extends Error {
  override readonly name = 'SigningKeyError';
}

const expected =
  'expected the PEM text of a private key without a passphrase, Ed25519 or ECDSA on P-256 ' +
  '(openssl genpkey -algorithm ed25519, or openssl ecparam -genkey -name prime256v1 -noout)';

/** @throws SigningKeyError */
export const readSigningKey = (pem: string): KeyObject => {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new SigningKeyError(`It is no private key: ${expected}.`, { cause });
  }
  if (hashOf(key) === undefined) {
    throw new SigningKeyError(`Keys of type ${typeOf(key)} are not used: ${expected}.`);
  }
  return key;
};

/** @throws SigningKeyError */
export const readPublicKey = (pem: string): KeyObject => {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw new SigningKeyError('It is no public key: expected its PEM text (openssl pkey -in signing.pem -pubout).', {
      cause,
    });
  }
  if (hashOf(key) === undefined) throw new SigningKeyError(`Keys of type ${typeOf(key)} are not used.`);
  return key;
};

/** Signs bytes of a type as the one signature of an envelope. The key id is the SHA-256 of the public key's DER form. */
export const seal = (payloadType: string, payload: Uint8Array, key: KeyObject): Envelope => ({
  payloadType,
  payload: Buffer.from(payload).toString('base64'),
  signatures: [
    {
      keyid: keyId(key),
      sig: sign(hashOf(key) ?? null, preAuthentication(payloadType, payload), key).toString('base64'),
    },
  ],
});

/** Whether one of the signatures is of this key. */
export const isSealedBy = ({ payloadType, payload, signatures }: Envelope, publicKey: KeyObject): boolean => {
  const signed = preAuthentication(payloadType, Buffer.from(payload, 'base64'));
  const hash = hashOf(publicKey);
  if (hash === undefined) return false;
  return signatures.some(({ sig }) => verify(hash, signed, publicKey, Buffer.from(sig, 'base64')));
};

export const keyId = (key: KeyObject): string => {
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
};

/** What is signed: DSSE's pre-authentication encoding (protocol.md), so that no payload is taken for one of another type. */
const preAuthentication = (type: string, payload: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), Buffer.from(payload)]);

/** Ed25519 hashes by itself, which is null; undefined for a key that is not used. */
const hashOf = (key: KeyObject): string | null | undefined => {
  if (key.asymmetricKeyType === 'ed25519') return null;
  return typeOf(key) === 'ec prime256v1' ? 'sha256' : undefined;
};

const typeOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string =>
  [asymmetricKeyType, asymmetricKeyDetails?.namedCurve].filter((word) => word !== undefined).join(' ');
