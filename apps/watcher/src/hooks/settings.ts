import { PlinthError, type FieldViolation, type Notifications } from '#libs/contracts';
import { dialects } from './index.js';
import { restsOnSecret, type Proof } from './proof.js';

/** Where the settings of a registry have what a proof needs. */
const needOf = (proof: Proof): 'secret' | 'keyHash' | 'oidc' | 'nats' => {
  if (restsOnSecret(proof)) return 'secret';
  return proof.by === 'path' ? 'keyHash' : proof.by;
};

const explained = {
  secret: 'name the secret that the sender sends or signs with, see /v1/secrets',
  keyHash: 'make a random key of 32 characters or more, and give its SHA-256; the key goes at the end of the address',
  nats: 'give the server and the subject that the sender publishes on',
  oidc: 'give the audience and the account of the tokens that the sender sends',
} as const;

/**
 * Settings by which no notification could ever be known as genuine are refused when they are made.
 * @throws PlinthError INVALID_ARGUMENT naming the field and what is expected there
 */
export const checkNotifications = (notifications: Notifications | null | undefined): void => {
  if (!notifications) return;
  const { dialect } = notifications;
  const taken = [...new Set((dialects.get(dialect)?.proofs ?? []).map(needOf))];
  const violations: FieldViolation[] = [];
  for (const field of ['secret', 'keyHash', 'oidc', 'nats'] as const) {
    if (notifications[field] === undefined || taken.includes(field)) continue;
    const message = `${dialect} cannot use it; expected ${taken.join(' or ')}`;
    violations.push({ field: `notifications.${field}`, message });
  }
  if (taken.every((field) => notifications[field] === undefined)) {
    for (const field of taken) violations.push({ field: `notifications.${field}`, message: explained[field] });
  }
  const [first] = violations;
  if (!first) return;
  throw new PlinthError(
    'INVALID_ARGUMENT',
    `Notifications of the dialect ${dialect} need ${taken.map((field) => `notifications.${field}`).join(' or ')}: ${first.message}.`,
    violations,
  );
};

/** Path that the registry sends to; null when it publishes on a NATS server alone. Of a key only the hash is known. */
export const hookPathOf = (host: string, { dialect, keyHash, secret, oidc }: Notifications): string | null =>
  keyHash === undefined && secret === undefined && oidc === undefined
    ? null
    : `/v1/hooks/${dialect}/${host}${keyHash === undefined ? '' : '/•••'}`;
