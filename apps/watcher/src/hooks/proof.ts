import { createHmac } from 'node:crypto';
import { sameSecret } from './constant-time.js';
import type { HookRequest } from './dialect.js';

/** How a sender proves that it knows a secret, as data. */
export type Proof =
  /** The secret is in `Authorization`: as it is, as `Bearer SECRET`, or as `Basic` of a secret `user:password`. */
  | { readonly by: 'authorization' }
  /** The secret is the value of a header. */
  | { readonly by: 'header'; readonly name: string }
  /** A header has the HMAC of the raw body under the secret, in hexadecimal after the prefix. */
  | {
      readonly by: 'hmac';
      readonly header: string;
      readonly algorithm: 'sha256' | 'sha1';
      readonly prefix?: string;
    }
  /** The key at the end of the path, for senders that can do nothing else; its hash is in the registry's settings. */
  | { readonly by: 'path' }
  /** A signed OpenID Connect token as bearer. */
  | { readonly by: 'oidc' }
  /** The right to publish on a NATS server, which is that server's to give; nothing that a request could have. */
  | { readonly by: 'nats' };

/** Proofs that rest on a secret which both sides have. */
export type SecretProof = Exclude<Proof, { readonly by: 'path' | 'oidc' | 'nats' }>;

export const restsOnSecret = (proof: Proof): proof is SecretProof =>
  proof.by !== 'path' && proof.by !== 'oidc' && proof.by !== 'nats';

const sha256 = 'sha256' as const;
/** `X-Hub-Signature-256: sha256=…`, as GitHub has it and many after it. */
export const hubSignature: Proof = { by: 'hmac', header: 'x-hub-signature-256', algorithm: sha256, prefix: 'sha256=' };
export const authorization: Proof = { by: 'authorization' };

/** What the header must be, any of these. */
const expected = (proof: SecretProof, { body }: HookRequest, secret: string): string[] => {
  switch (proof.by) {
    case 'authorization':
      return [secret, `Bearer ${secret}`, `Basic ${Buffer.from(secret).toString('base64')}`];
    case 'header':
      return [secret];
    case 'hmac':
      return [`${proof.prefix ?? ''}${createHmac(proof.algorithm, secret).update(body).digest('hex')}`];
  }
};

const headerOf = (proof: SecretProof): string => {
  if (proof.by === 'authorization') return 'authorization';
  return proof.by === 'header' ? proof.name : proof.header;
};

/** Whether the request proves that its sender knows the secret. Takes the same time wherever the two differ. */
export const proves = (proof: SecretProof, request: HookRequest, secret: string): boolean => {
  const given = request.headers[headerOf(proof)];
  if (given === undefined || secret === '') return false;
  return expected(proof, request, secret).reduce((holds, one) => sameSecret(given, one) || holds, false);
};
