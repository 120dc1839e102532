import { beforeAll, describe, expect, it } from 'vitest';
import { PlinthError, type Notifications } from '#libs/contracts';
import { createLogger, Metrics, Redactor, type RawRequest, type RawResponse } from '#libs/service';
import { OidcIssuer } from '#libs/testing';
import {
  hashOfKey,
  keyDialects,
  notificationFixtures,
  proofHeaders,
  type NotificationFixture,
} from '../../../../test/support/notifications.js';
import type { WatcherService } from '../watcher.service.js';
import { HookHandler } from './hook.handler.js';

const secret = 'canary-secret-of-the-hook';
const key = 'canary-key-at-the-end-of-the-path-0001';
const email = 'plinth-push@acme.iam.gserviceaccount.com';

/** A handler for one registry, with all that it looks at and logs. */
const setUp = (
  host: string,
  notifications: Notifications,
  open: (ref: string) => Promise<string> = () => Promise.resolve(secret),
) => {
  const looks: string[] = [];
  const lines: string[] = [];
  const redactor = new Redactor();
  const metrics = new Metrics({ process: false });
  const handler = new HookHandler({
    registries: {
      mirroredBy: (of: { repository: string }) =>
        of.repository === 'hub/node' ? [{ registry: 'docker.io', repository: 'library/node' }] : [],
      definitionOf: (asked: string) => (asked === host ? { notifications } : undefined),
    },
    tags: { get: () => ({ state: { watched: true } }) },
    runtime: {
      secrets: { open },
      redactor,
      metrics,
      logger: createLogger({ name: 'test', level: 'trace', redactor, write: (line) => void lines.push(line) }),
      clock: { now: () => new Date(0) },
    },
    notifiedAt: new Map(),
    hint: (reference: string) => Promise.resolve(void looks.push(reference)),
  } as unknown as WatcherService);
  return { handler, looks, lines, metrics };
};

interface Sent {
  readonly method?: 'POST' | 'OPTIONS';
  readonly dialect: string;
  readonly registry: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  readonly key?: string;
}
const send = (handler: HookHandler, { method = 'POST', headers = {}, body, ...params }: Sent): Promise<RawResponse> =>
  handler.handle({ method, params, headers, body: Buffer.from(body) } as unknown as RawRequest);
const refusalOf = (answer: Promise<RawResponse>): Promise<PlinthError> =>
  answer.then(
    (taken) => {
      throw new Error(`It was taken: ${JSON.stringify(taken)}`);
    },
    (error: unknown) => error as PlinthError,
  );

describe('a notification of a stranger', () => {
  const notifications: Notifications = { dialect: 'distribution', secret: 'hook-of-registry' };
  const guess = { dialect: 'distribution', headers: { authorization: 'a guess' }, body: '{"events":[]}' };

  it('is refused alike whether the registry is unknown, its secret is wrong, or its secret cannot be opened', async () => {
    const gone = () => Promise.reject<string>(new PlinthError('NOT_FOUND', 'There is no secret "hook-of-registry".'));
    const right = setUp('registry.test', notifications).handler;
    const broken = setUp('registry.test', notifications, gone);
    const refusals = [
      await refusalOf(send(right, { ...guess, registry: 'other.test' })),
      await refusalOf(send(right, { ...guess, registry: 'registry.test' })),
      await refusalOf(send(broken.handler, { ...guess, registry: 'registry.test' })),
      await refusalOf(send(right, { ...guess, registry: 'registry.test', dialect: 'harbor' })),
    ];
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(refusals[2]!.message).toBe(refusals[1]!.message);
    expect(refusals[2]!.message).not.toContain('hook-of-registry');
    expect(broken.lines.join('')).toContain('hook-of-registry');
  });

  it('is told which dialects there are when it names another', async () => {
    const { handler } = setUp('registry.test', notifications);
    const refusal = await refusalOf(send(handler, { ...guess, dialect: 'carrier-pigeon', registry: 'registry.test' }));
    expect(refusal).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('github') });
  });
});

describe('a notification', () => {
  const pushed = { repository: 'team/app', tag: '1', id: '7' };
  const setUpGeneric = (more: Partial<Notifications> = {}) => {
    const parts = setUp('registry.test', { dialect: 'generic', secret: 'hook', ...more });
    const headers = { authorization: secret };
    const post = (body: unknown) =>
      send(parts.handler, { dialect: 'generic', registry: 'registry.test', headers, body: JSON.stringify(body) });
    return { ...parts, post };
  };

  it('that comes twice, or says a thing twice, is one look', async () => {
    const { post, looks } = setUpGeneric();
    await post([pushed, { ...pushed, id: '8' }]);
    await post(pushed);
    expect(looks).toEqual(['registry.test/team/app:1']);
    await post({ ...pushed, id: '9' });
    expect(looks).toHaveLength(2);
  });

  it('names repositories as the settings say', async () => {
    const { post, looks } = setUpGeneric({ rewrites: [{ from: 'team/', to: 'mirror/' }] });
    await post(pushed);
    expect(looks).toEqual(['registry.test/mirror/app:1']);
  });

  it('of a mirror is one of the image that is followed there, too', async () => {
    const { handler, looks } = setUp('mirror.test', { dialect: 'generic', secret: 'hook' });
    const body = JSON.stringify({ repository: 'hub/node', tag: '22' });
    await send(handler, { dialect: 'generic', registry: 'mirror.test', headers: { authorization: secret }, body });
    expect(looks).toEqual(['mirror.test/hub/node:22', 'docker.io/library/node:22']);
  });

  it('is counted by how it ended', async () => {
    const { post, handler, metrics } = setUpGeneric();
    await post(pushed);
    await refusalOf(post({ wrong: true }));
    await refusalOf(send(handler, { dialect: 'generic', registry: 'registry.test', body: '{}' }));
    const text = await metrics.registry.metrics();
    for (const outcome of ['accepted', 'malformed', 'refused']) {
      expect(text).toContain(`plinth_notifications_total{dialect="generic",outcome="${outcome}"} 1`);
    }
  });
});

describe('Event Grid', () => {
  const asked = [
    {
      id: '2d1781af-3a4c-4d7c-bd0c-e34b19da4e66',
      topic: '/subscriptions/x',
      subject: '',
      data: { validationCode: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6', validationUrl: 'https://rp.test/validate?id=1' },
      eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
      eventTime: '2026-01-25T22:12:19.4556811Z',
      metadataVersion: '1',
      dataVersion: '1',
    },
  ];
  const sent = {
    dialect: 'eventgrid',
    registry: 'acme.azurecr.io',
    headers: { 'aeg-event-type': 'SubscriptionValidation' },
    body: JSON.stringify(asked),
  };

  it('is answered with its code when it asks who owns the address, and only when it knows the key', async () => {
    const { handler, looks } = setUp('acme.azurecr.io', { dialect: 'eventgrid', keyHash: hashOfKey(key) });
    const answer = await send(handler, { ...sent, key });
    expect(answer.status).toBe(200);
    expect(JSON.parse(String(answer.body))).toEqual({ validationResponse: asked[0]!.data.validationCode });
    expect(await refusalOf(send(handler, sent))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(looks).toEqual([]);
  });

  it('is given the consent to send CloudEvents when it asks by OPTIONS, and only when it knows the key', async () => {
    const { handler, looks } = setUp('acme.azurecr.io', { dialect: 'eventgrid', keyHash: hashOfKey(key) });
    const headers = { 'webhook-request-origin': 'eventgrid.azure.net', 'webhook-request-rate': '120' };
    const question = {
      method: 'OPTIONS',
      dialect: 'eventgrid',
      registry: 'acme.azurecr.io',
      headers,
      body: '',
    } as const;
    const answer = await send(handler, { ...question, key });
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'webhook-allowed-origin': 'eventgrid.azure.net', 'webhook-allowed-rate': '*' },
    });
    expect(await refusalOf(send(handler, question))).toMatchObject({ code: 'UNAUTHENTICATED' });
    const nobody = send(handler, { ...question, headers: {}, key });
    expect(await refusalOf(nobody)).toMatchObject({ code: 'INVALID_ARGUMENT' });
    const injected = { 'webhook-request-origin': 'a.test\r\nset-cookie: x' };
    expect(await refusalOf(send(handler, { ...question, headers: injected, key }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(looks).toEqual([]);
  });

  it('is not what other senders are: they do not ask by OPTIONS', async () => {
    const { handler } = setUp('quay.io', { dialect: 'quay', keyHash: hashOfKey(key) });
    const asked = send(handler, { method: 'OPTIONS', dialect: 'quay', registry: 'quay.io', body: '', key });
    expect(await refusalOf(asked)).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

it('a key that could be guessed opens nothing', async () => {
  const short = 'x'.repeat(31);
  const { handler } = setUp('quay.io', { dialect: 'quay', keyHash: hashOfKey(short) });
  const refusal = await refusalOf(send(handler, { dialect: 'quay', registry: 'quay.io', body: '{}', key: short }));
  expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
});

describe('notifications of every dialect', () => {
  let issuer: OidcIssuer;
  let otherIssuer: OidcIssuer;
  beforeAll(async () => {
    issuer = await OidcIssuer.start();
    otherIssuer = await OidcIssuer.start();
    return async () => {
      await issuer.stop();
      await otherIssuer.stop();
    };
  });

  const pushes = notificationFixtures().filter(({ hints }) => hints.length > 0);
  const hostOf = ({ hints: [hint] }: NotificationFixture): string =>
    (hint as { host?: string } | undefined)?.host ?? 'registry.test';

  /** Settings, how the sender proves itself, and ways in which a stranger might try. */
  const partsOf = async (fixture: NotificationFixture, body: string) => {
    const { dialect, headers } = fixture;
    const base = { dialect, registry: hostOf(fixture), headers, body };
    if (dialect === 'google') {
      const oidc = { issuer: issuer.url, audience: 'https://plinth.test', email };
      const claims = { sub: '1', email, email_verified: true };
      const bearer = async (from: OidcIssuer, more: object = {}, audience = oidc.audience) => ({
        ...base,
        headers: { ...headers, authorization: `Bearer ${await from.token({ ...claims, ...more }, { audience })}` },
      });
      return {
        notifications: { dialect, oidc } as Notifications,
        good: await bearer(issuer),
        forged: [
          base,
          await bearer(otherIssuer),
          await bearer(issuer, { email: 'evil@acme.iam.gserviceaccount.com' }),
          await bearer(issuer, { email_verified: false }),
          await bearer(issuer, {}, 'https://other.test'),
          { ...base, headers: { ...headers, authorization: `Bearer ${secret}` } },
        ],
      };
    }
    if (keyDialects.includes(dialect)) {
      return {
        notifications: { dialect, keyHash: hashOfKey(key) } as Notifications,
        good: { ...base, key },
        forged: [base, { ...base, key: `${key}x` }, { ...base, key: hashOfKey(key) }],
      };
    }
    const signed = (by: string, text = body): Sent => ({
      ...base,
      body,
      headers: { ...headers, ...proofHeaders[dialect]!(by, text) },
    });
    return {
      notifications: { dialect, secret: 'hook' } as Notifications,
      good: signed(secret),
      forged: [base, signed('another secret'), signed(secret.slice(0, -1)), { ...base, key }],
    };
  };

  it.each(pushes.map((one) => [one.dialect, one.name, one] as const))(
    '%s: %s is taken from who proves it, and from nobody else',
    async (_dialect, _name, fixture) => {
      const body = JSON.stringify(fixture.body);
      const { notifications, good, forged } = await partsOf(fixture, body);
      const { handler, looks, lines } = setUp(hostOf(fixture), notifications);
      const said: string[] = [];
      for (const one of forged) {
        const refusal = await refusalOf(send(handler, one));
        expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
        said.push(refusal.message);
      }
      expect(looks).toEqual([]);
      // What is signed is the body as it came: one byte more is another body, whatever it says.
      if ((await send(handler, good)).status !== 202) throw new Error('not taken');
      const expected = (fixture.hints as { repository: string; tag: string }[])
        .filter(({ tag }) => !tag.startsWith('sha256:'))
        .map(({ repository, tag }) => `${hostOf(fixture)}/${repository}:${tag}`);
      expect(looks).toEqual([...new Set(expected)]);

      const refusal = await refusalOf(send(handler, { ...good, ...(await partsOf(fixture, '[7]')).good }));
      expect(refusal.code).toBe('INVALID_ARGUMENT');
      expect(refusal.violations).toMatchObject([{ field: 'body' }]);
      said.push(refusal.message, ...lines);
      for (const text of said) expect(text).not.toMatch(/canary/);
    },
  );

  it.each(['github', 'gitea', 'forgejo', 'nexus', 'artifactory', 'generic'])(
    '%s: a body that was changed on the way is refused',
    async (dialect) => {
      const fixture = pushes.find((one) => one.dialect === dialect)!;
      const { notifications, good } = await partsOf(fixture, JSON.stringify(fixture.body));
      const { handler } = setUp('registry.test', notifications);
      const changed = { ...good, body: good.body.replace('app', 'apq') };
      expect(await refusalOf(send(handler, changed))).toMatchObject({ code: 'UNAUTHENTICATED' });
    },
  );

  it('that are signed by an issuer whose keys cannot be had are to be sent again', async () => {
    const lost = await OidcIssuer.start();
    lost.failing = 500;
    const oidc = { issuer: lost.url, audience: 'https://plinth.test', email };
    const { handler } = setUp('registry.test', { dialect: 'generic', oidc });
    const token = await lost.token({ sub: '1', email, email_verified: true }, { audience: oidc.audience });
    const sent = { dialect: 'generic', registry: 'registry.test', body: '[]' };
    const refusal = await refusalOf(send(handler, { ...sent, headers: { authorization: `Bearer ${token}` } }));
    expect(refusal).toMatchObject({ code: 'UNAVAILABLE' });
    await lost.stop();
  });
});
