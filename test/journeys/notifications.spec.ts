import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { connect } from '@nats-io/transport-node';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notificationDialects, type NotificationDialect, type Notifications } from '#libs/contracts';
import { freePort, OidcIssuer, startNats } from '#libs/testing';
import { runCli } from '../../apps/cli/src/run.js';
import {
  hashOfKey,
  keyDialects,
  notificationFixtures,
  proofHeaders,
  type NotificationFixture,
} from '../support/notifications.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

const secret = 'canary-secret-of-notifications';
const key = 'canary-key-of-notifications-at-the-end-of-the-path';
const email = 'plinth-push@acme.iam.gserviceaccount.com';

/** The first push of each dialect: what it sends, and the image that it tells of. */
const pushOf = (dialect: NotificationDialect) => {
  const fixture = notificationFixtures().find((one) => one.dialect === dialect && one.hints.length > 0)!;
  const [hint] = fixture.hints as { repository: string; tag: string; host?: string }[];
  const host = hint!.host ?? `${dialect}.registry.test`;
  return { ...hint!, host, fixture, reference: `${host}/${hint!.repository}:${hint!.tag}` };
};

describe('registries of every kind that tell of their pushes', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let issuer: OidcIssuer;
  const pushes = notificationDialects.map((dialect) => ({ dialect, ...pushOf(dialect) }));

  const settingsOf = (dialect: NotificationDialect): Notifications => {
    if (dialect === 'google') return { dialect, oidc: { issuer: issuer.url, audience: plinth.url, email } };
    return keyDialects.includes(dialect) ? { dialect, keyHash: hashOfKey(key) } : { dialect, secret: 'hook' };
  };

  const post = (path: string, { headers, body }: { headers: Record<string, string>; body: string }) =>
    fetch(`${plinth.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  /** The fixture as its sender would send it to the path that the registry's settings show. */
  const notify = async (dialect: NotificationDialect, host: string, fixture: NotificationFixture) => {
    const body = JSON.stringify(fixture.body);
    const { hookPath } = await plinth.client.getRegistry({ host });
    const proof = proofHeaders[dialect]?.(secret, body) ?? {};
    if (dialect === 'google') {
      const token = await issuer.token({ sub: '1', email, email_verified: true }, { audience: plinth.url });
      proof['authorization'] = `Bearer ${token}`;
    }
    return post(hookPath!.replace('•••', key), { headers: { ...fixture.headers, ...proof }, body });
  };

  beforeAll(async () => {
    [plinth, registry, issuer] = await Promise.all([Plinth.start(), startRegistry(), OidcIssuer.start()]);
    await plinth.client.setSecret({ name: 'hook', value: secret });
    const repositories = new Map(pushes.map(({ repository, tag }) => [`${repository}:${tag}`, { repository, tag }]));
    for (const { repository, tag } of repositories.values()) await registry.push(repository, tag, 'first');
    for (const { dialect, host } of pushes) {
      await plinth.client.createRegistry({
        host,
        scheme: 'http',
        // All of them are served by one registry here.
        endpoint: registry.host,
        kind: 'Generic',
        notifications: settingsOf(dialect),
        // Only a notification can be what told.
        poll: { intervalSeconds: 86_400 },
      });
    }
    const stages = pushes.map(({ reference }, index) => `FROM ${reference} AS stage${index}\n`);
    const copies = pushes.map((_push, index) => `COPY --from=stage${index} /etc /${index}\n`);
    await plinth.task('app', {
      files: `${stages.join('')}FROM scratch\n${copies.join('')}`,
      image: `${registry.host}/app:1`,
      trigger: { baseImageTrigger: { name: 'all', baseImageTriggerType: 'All', status: 'Enabled' } },
    });
    await plinth.watching('app');
    for (const { reference } of pushes) await plinth.until('tag.adopted', (tag) => tag.reference === reference);
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
    await issuer?.stop();
  });

  it('are looked at at once, each by its own message', async () => {
    const seen = plinth.feed.events.length;
    for (const name of new Set(pushes.map(({ repository, tag }) => `${repository}:${tag}`))) {
      const [repository, tag] = name.split(':') as [string, string];
      await registry.push(repository, tag, 'second');
    }
    // Nobody looks by himself.
    expect(plinth.seen('tag.moved', seen)).toEqual([]);
    for (const { dialect, host, fixture, reference } of pushes) {
      const before = plinth.feed.events.length;
      // What the fixtures say was pushed is another digest: only the look can tell which it is.
      expect((await notify(dialect, host, fixture)).status, dialect).toBe(202);
      const { data } = await plinth.until('tag.moved', (tag) => tag.reference === reference, before);
      expect(data.seenBy, dialect).toBe('Webhook');
      const { lastNotificationAt } = await plinth.client.getRegistry({ host });
      expect(lastNotificationAt, dialect).not.toBeNull();
    }
    expect(plinth.seen('tag.moved', seen).map(({ data }) => data.reference)).toEqual(
      pushes.map(({ reference }) => reference),
    );
  });

  it.each(notificationDialects)('refuse of %s what is not proven, and what is too large', async (dialect) => {
    const { host, fixture } = pushOf(dialect);
    const body = JSON.stringify(fixture.body);
    const { headers } = fixture;
    const forged = [
      await post(`/v1/hooks/${dialect}/${host}`, { headers: { ...headers }, body }),
      await post(`/v1/hooks/${dialect}/${host}/${'x'.repeat(40)}`, { headers: { ...headers }, body }),
      await post(`/v1/hooks/${dialect}/${host}`, { headers: { ...headers, authorization: 'Bearer guess' }, body }),
    ];
    for (const answer of forged) {
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    const huge = await post(`/v1/hooks/${dialect}/${host}`, {
      headers: { ...headers },
      body: `{"x":"${'x'.repeat(1024 * 1024)}"}`,
    });
    expect(huge.status).toBe(413);
  });

  it('are refused when their settings could prove nothing, naming the field', async () => {
    const registry = { host: 'hub.test', notifications: { dialect: 'dockerhub', secret: 'hook' } };
    const made = await plinth.json('POST', '/v1/registries', registry);
    expect(made).toMatchObject({ status: 400, body: { errors: [{ field: 'notifications.secret' }, {}] } });
    const { notifications } = registry;
    const changed = await plinth.json('PATCH', `/v1/registries/${pushOf('quay').host}`, { notifications });
    expect(changed).toMatchObject({ status: 400, body: { errors: [{ field: 'notifications.secret' }, {}] } });
    const applied = plinth.client.applyRegistries({
      set: 'all',
      registries: [{ host: 'hub.test', notifications: { dialect: 'dockerhub', secret: 'hook' } }],
    });
    await expect(applied).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'registries[0].notifications.secret' }, {}],
    });
  });

  it('are connected by a command that prints what to set up, and waits until the registry has told', async () => {
    const host = `127.0.0.1:${await freePort()}`;
    await plinth.client.createRegistry({ host, scheme: 'http', kind: 'Distribution' });
    let said = '';
    const printed = Promise.withResolvers<string>();
    const ended = runCli(['registry', 'connect', host, '--timeout', '60s'], {
      stdin: Readable.from([]),
      stdout: { write: (text) => printed.resolve(text) },
      stderr: { write: (text) => (said += text) },
      env: { HOME: plinth.data, PLINTH_SERVER: plinth.url, PLINTH_TOKEN: plinth.token },
      cwd: plinth.data,
      interrupted: new AbortController().signal,
    });
    void ended.then((code) => printed.resolve(`ended with ${code}: ${said}`));
    const { notifications } = parse(await printed.promise) as {
      notifications: { endpoints: { url: string; headers: { Authorization: string[] } }[] };
    };
    const [{ url, headers }] = notifications.endpoints as [(typeof notifications.endpoints)[0]];
    expect(url).toBe(`${plinth.url}/v1/hooks/distribution/${host}`);
    const own = await startRegistry({ host, notify: { url, authorization: headers.Authorization[0]! } });
    try {
      await own.push('base', '1', 'first');
      expect(await ended).toBe(0);
      expect(said).toContain(`Verified at `);
    } finally {
      await own.close();
    }
  });

  it('are heard on a NATS server, when that is where they publish', async () => {
    const nats = await startNats();
    const host = 'zot-on-nats.test';
    const settings = { dialect: 'zot' as const, nats: { server: nats.url, subject: 'zot.events' } };
    const { hookPath } = await plinth.client.createRegistry({ host, notifications: settings });
    expect(hookPath).toBeNull();
    const { fixture } = pushOf('zot');
    const publisher = await connect({ servers: nats.url });
    const { body } = notificationFixtures().find(({ name }) => name === 'image-updated-structured')!;
    // Nobody but the server knows when the subscription stands: it is published until it was heard.
    const heard = async () => {
      publisher.publish('zot.events', JSON.stringify(body));
      return (await plinth.client.getRegistry({ host })).lastNotificationAt;
    };
    await expect.poll(heard, { timeout: 20_000 }).not.toBeNull();
    // A request proves nothing there: there is no secret that it could have.
    const posted = await post(`/v1/hooks/zot/${host}`, { headers: {}, body: JSON.stringify(fixture.body) });
    expect(posted.status).toBe(401);
    await plinth.client.deleteRegistry({ host });
    await publisher.close();
    await nats.stop();
  });

  it('are given consent when they ask for it by OPTIONS, as Event Grid does for CloudEvents', async () => {
    const { host } = pushOf('eventgrid');
    const { hookPath } = await plinth.client.getRegistry({ host });
    const ask = (authorization: string) =>
      fetch(`${plinth.url}${hookPath!}`, {
        method: 'OPTIONS',
        headers: { authorization, 'webhook-request-origin': 'eventgrid.azure.net' },
      });
    const answer = await ask(secret);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('webhook-allowed-origin')).toBe('eventgrid.azure.net');
    expect((await ask('a guess')).status).toBe(401);
  });

  it('keep keys and secrets out of answers, events, metrics, the log, and all that is stored', async () => {
    const path = `/v1/hooks/quay/${pushOf('quay').host}/${key}`;
    for (const [method, at] of [
      ['GET', path],
      ['POST', `${path}/more`],
      ['POST', `${path}%zz`],
    ] as const) {
      const answer = await fetch(`${plinth.url}${at}`, { method });
      const said = await answer.text();
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(said).not.toContain('canary-key');
    }
    const { registries } = await plinth.client.listRegistries();
    const metrics = await (await fetch(`${plinth.url}/metrics`)).text();
    expect(metrics).toContain('plinth_notifications_total{');
    const files = readdirSync(plinth.data, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    expect(files.length).toBeGreaterThan(4);
    const stored = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name)).toString('latin1'));
    const shown = [JSON.stringify(registries), JSON.stringify(plinth.feed.events), metrics, plinth.log(), ...stored];
    for (const text of shown) {
      expect(text).not.toContain('canary-key');
      expect(text).not.toContain('canary-secret');
    }
  });
});
