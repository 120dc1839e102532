import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { ownPrefix, type SecretStore } from '#libs/service';
import type { Message } from './payload.js';
import type { WebhookState } from './webhook.decider.js';

/** For how long deliveries are signed with the old secret too. */
export const overlapMs = 24 * 3_600_000;

/** Standard Webhooks: 24 to 64 random bytes, in base64 behind `whsec_`. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** Where the secrets of a webhook are kept: sealed, under a name that no task can name. */
export const secretNameOf = (webhook: string): string => `${ownPrefix}webhook/${webhook}`;

/** The secrets that count now, newest first. */
export const secretsOf = async (
  secrets: SecretStore,
  webhook: string,
  { secretVersion, previousSecret }: WebhookState,
  now: Date,
): Promise<string[]> => {
  const versions = [secretVersion];
  if (previousSecret && Date.parse(previousSecret.until) > now.getTime()) versions.push(previousSecret.version);
  return Promise.all(versions.map((version) => secrets.open(`${secretNameOf(webhook)}@${version}`)));
};

/** Headers of one try: the id stays, the time is of the try, one signature for each secret. */
export const headersOf = (message: Message, secrets: readonly string[], now: Date): Record<string, string> => ({
  'content-type': 'application/json',
  'user-agent': 'plinth',
  'webhook-id': message.id,
  'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
  'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(message.id, now, message.body)).join(' '),
});
