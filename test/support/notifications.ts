import { createHash, createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '#libs/testing';

/** A body that a registry sends, with what is to be made of it. */
export interface NotificationFixture {
  readonly dialect: string;
  readonly name: string;
  /** Documentation or source file of the sender. */
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly hints: readonly object[];
  /** Paths of fields that must have the type they have here. */
  readonly uses: readonly string[];
}

const root = join(repositoryRoot, 'test/data/notifications');

/** Every fixture in test/data/notifications. */
export const notificationFixtures = (): NotificationFixture[] =>
  readdirSync(root).flatMap((dialect) =>
    readdirSync(join(root, dialect)).map((file) => {
      const content = JSON.parse(readFileSync(join(root, dialect, file), 'utf8')) as Partial<NotificationFixture>;
      const name = file.replace(/\.json$/, '');
      return { headers: {}, uses: [], hints: [], origin: '', body: null, ...content, dialect, name };
    }),
  );

export const hashOfKey = (key: string): string => `sha256:${createHash('sha256').update(key).digest('hex')}`;

const hmac = (algorithm: string, secret: string, body: string) =>
  createHmac(algorithm, secret).update(body).digest('hex');

/**
 * The header in which each sender proves that it knows the secret, by the sender's own rules and with none of the code
 * under test. Dialects that are not here have their proof in the path, or a token.
 */
export const proofHeaders: Readonly<Record<string, (secret: string, body: string) => Record<string, string>>> = {
  distribution: (secret) => ({ authorization: `Bearer ${secret}` }),
  gitlab: (secret) => ({ authorization: secret }),
  harbor: (secret) => ({ authorization: secret }),
  acr: (secret) => ({ authorization: `Basic ${Buffer.from(secret).toString('base64')}` }),
  eventgrid: (secret) => ({ authorization: secret }),
  github: (secret, body) => ({ 'x-hub-signature-256': `sha256=${hmac('sha256', secret, body)}` }),
  gitea: (secret, body) => ({ 'x-gitea-signature': hmac('sha256', secret, body) }),
  forgejo: (secret, body) => ({ 'x-forgejo-signature': hmac('sha256', secret, body) }),
  ecr: (secret) => ({ 'x-api-key': secret }),
  artifactory: (secret, body) => ({ 'x-jfrog-event-auth': hmac('sha256', secret, body) }),
  nexus: (secret, body) => ({ 'x-nexus-webhook-signature': hmac('sha1', secret, body) }),
  zot: (secret) => ({ authorization: `Bearer ${secret}` }),
  generic: (secret, body) => ({ 'x-signature': `sha256=${hmac('sha256', secret, body)}` }),
};

/** Dialects whose senders can do no better than a key in the path. */
export const keyDialects: readonly string[] = ['aliyun', 'dockerhub', 'quay'];
