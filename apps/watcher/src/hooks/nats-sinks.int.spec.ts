import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Notifications, RegistryDefinition } from '#libs/contracts';
import { silentLogger, systemClock } from '#libs/event-log';
import { startNats, type NatsServer } from '#libs/testing';
import { notificationFixtures } from '../../../../test/support/notifications.js';
import type { HookRequest } from './dialect.js';
import { NatsSinks } from './nats-sinks.js';
import { zot } from './zot.js';

const password = 'canary-password-of-nats';
const host = 'zot.test:5000';
const fixtureOf = (name: string) => notificationFixtures().find((one) => one.dialect === 'zot' && one.name === name)!;

/** A push as zot tells of it, with an id of its own. */
const eventWith = (id: string): string =>
  JSON.stringify({ ...(fixtureOf('image-updated-structured').body as object), id });
const idsOf = (requests: readonly HookRequest[]): string[] =>
  requests.map(({ body }) => (JSON.parse(body.toString()) as { id: string }).id);

describe('a registry that publishes its notifications on a NATS server', () => {
  let nats: NatsServer;
  let publisher: NatsConnection;
  let sinks: NatsSinks;
  let definition: RegistryDefinition | undefined;
  let taken: HookRequest[];
  let warnings: string[];

  const settings = (subject: string, secret = 'right'): Notifications => ({
    dialect: 'zot',
    nats: { server: nats.url, subject, login: { username: 'plinth', password: secret } },
  });
  const use = (notifications: Notifications | undefined): void => {
    definition = { host, kind: 'Generic', scheme: 'https', poll: { intervalSeconds: 60 }, notifications } as never;
    sinks.follow(host);
  };
  /** Publishes until it was taken: whether the subscription stands by now is nobody's to say but the server's. */
  const published = async (subject: string, body: string, header?: Parameters<typeof publisher.publish>[2]) => {
    const before = taken.length;
    await expect
      .poll(() => (publisher.publish(subject, body, header), publisher.flush().then(() => taken.length)))
      .toBeGreaterThan(before);
    return taken.at(-1)!;
  };

  beforeAll(async () => {
    nats = await startNats({ config: `authorization { users: [{ user: plinth, password: "${password}" }] }` });
    publisher = await connect({ servers: nats.url, user: 'plinth', pass: password });
  });
  afterAll(async () => {
    await publisher?.close();
    await nats?.stop();
  });
  beforeEach(() => {
    [definition, taken, warnings] = [undefined, [], []];
    sinks = new NatsSinks({
      registries: { definitionOf: () => definition, all: () => (definition ? [definition] : []) },
      secrets: { open: (ref) => Promise.resolve(ref === 'right' ? password : 'wrong-password-of-nats') },
      take: (_dialect, of, request) => {
        if (of !== host) throw new Error(`It is of ${host}, not of ${of}.`);
        zot.parse(request);
        taken.push(request);
      },
      maxBytes: 100_000,
      clock: systemClock,
      logger: {
        ...silentLogger,
        warn: (fields: object, text: string) => void warnings.push(JSON.stringify(fields) + text),
      },
    });
    sinks.start();
    return () => sinks.stop();
  });

  it.each(['image-updated-structured', 'image-updated'])(
    'is heard, whether the event is in the body or in headers: %s',
    async (name) => {
      const fixture = fixtureOf(name);
      const inHeaders = headers();
      for (const [key, value] of Object.entries(fixture.headers)) inHeaders.set(key, value);
      use(settings('zot.events'));
      const request = await published('zot.events', JSON.stringify(fixture.body), { headers: inHeaders });
      expect(zot.parse(request)).toEqual(fixture.hints);
    },
  );

  it('is heard on the subject that its settings name, and no more when they name none', async () => {
    const body = JSON.stringify(fixtureOf('image-updated-structured').body);
    use(settings('first'));
    await published('first', body);
    use(settings('second'));
    await published('second', body);
    use(undefined);
    await sinks.stop();
    const before = taken.length;
    for (const subject of ['first', 'second']) publisher.publish(subject, body);
    await publisher.flush();
    expect(taken).toHaveLength(before);
  });

  it('is not disturbed by messages that are no notification', async () => {
    use(settings('noise'));
    await published('noise', eventWith('stands'));
    for (const body of ['not JSON', 'x'.repeat(100_001), eventWith('after')]) publisher.publish('noise', body);
    await expect.poll(() => idsOf(taken)).toContain('after');
    expect(warnings.filter((text) => text.includes('no notification'))).toHaveLength(2);
  });

  it('says that a login is refused, without it, and hears again after the login is put right', async () => {
    use(settings('later', 'wrong'));
    await expect.poll(() => warnings.length).toBeGreaterThan(0);
    expect(warnings[0]).toContain(host);
    expect(warnings.join('')).not.toContain('password-of-nats');
    expect(sinks.errorOf(host)).toContain(nats.url);
    use(settings('later'));
    await published('later', JSON.stringify(fixtureOf('image-updated-structured').body));
    expect(sinks.errorOf(host)).toBeUndefined();
  });

  it('is heard by one of several watchers', async () => {
    const others: HookRequest[] = [];
    const second = new NatsSinks({
      registries: { definitionOf: () => definition, all: () => [definition!] },
      secrets: { open: () => Promise.resolve(password) },
      take: (_dialect, _host, request) => void others.push(request),
      maxBytes: 100_000,
      clock: systemClock,
      logger: silentLogger,
    });
    use(settings('shared'));
    second.start();
    const both = () => others.length > 0 && taken.length > 0;
    await expect
      .poll(() => (publisher.publish('shared', eventWith('stands')), publisher.flush().then(both)))
      .toBe(true);
    const sent = Array.from({ length: 20 }, (_, index) => `message-${index}`);
    for (const id of sent) publisher.publish('shared', eventWith(id));
    const heard = () => [...idsOf(others), ...idsOf(taken)].filter((id) => id !== 'stands').toSorted();
    await expect.poll(heard).toEqual(sent.toSorted());
    await second.stop();
  });
});
