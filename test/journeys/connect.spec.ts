import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NotificationDialect } from '#libs/contracts';
import { OidcIssuer } from '#libs/testing';
import { Plinth } from '../support/plinth.js';
import { serveApis, vendorApis, type ApiServer } from '../support/registry-apis.js';
import { cliOf } from '../support/run-cli.js';

const email = 'plinth-push@acme.iam.gserviceaccount.com';

describe('registries that are connected by their API', () => {
  const apis = vendorApis();
  let plinth: Plinth;
  let issuer: OidcIssuer;
  let server: ApiServer;

  const connect = (dialect: string, ...more: string[]) => {
    const { host, login, places, identity } = apis[dialect]!;
    const named = places.flatMap((place) => ['--in', place]);
    const as = identity === undefined ? [] : ['--identity', identity];
    const line = ['registry', 'connect', host, '--dialect', dialect, '--api', server.url(dialect), '--api-login', '-'];
    return cliOf(plinth)([...line, ...named, ...as, ...more], login);
  };
  const ours = (dialect: string) =>
    structuredClone(apis[dialect]!.setUp().filter(({ url }) => url.startsWith(plinth.url)));

  beforeAll(async () => {
    [plinth, issuer] = await Promise.all([Plinth.start(), OidcIssuer.start()]);
    server = await serveApis(apis, (audience) => issuer.token({ sub: '1', email, email_verified: true }, { audience }));
    for (const [dialect, { host }] of Object.entries(apis)) {
      // Google signs with keys that are not in reach here: a registry that trusts this issuer keeps it.
      const oidc = { issuer: issuer.url, audience: 'before', email };
      await plinth.client.createRegistry({
        host,
        ...(dialect === 'google' && { notifications: { dialect: 'google', oidc } }),
      });
    }
  });
  afterAll(async () => {
    await Promise.all([plinth?.stop(), issuer?.stop(), server?.[Symbol.asyncDispose]()]);
  });

  describe.each(Object.keys(vendorApis()))('%s', (dialect) => {
    it('shows what it would send, and sends nothing', async () => {
      const begin = server.log.length;
      const before = await plinth.client.getRegistry({ host: apis[dialect]!.host });
      const { exit, stdout } = await connect(dialect, '--dry-run');
      expect(exit).toBe(0);
      const { calls } = JSON.parse(stdout) as { calls: { method: string; url: string }[] };
      expect(calls[0]!.url).toBe(`${plinth.url}/v1/registries/${before.host}`);
      expect(calls.length).toBeGreaterThan(1);
      expect(calls.slice(1).every(({ url }) => url.startsWith(server.url(dialect)))).toBe(true);
      expect(ours(dialect)).toEqual([]);
      expect(await plinth.client.getRegistry({ host: before.host })).toEqual(before);
      const asked = server.log.slice(begin);
      expect(asked.filter((one) => !/ GET |getCallbackConfig$|^ecr POST/.test(one))).toEqual([]);
    });

    it('is set up, with a secret of its own, and verified by what it then sends', async () => {
      const { exit, stdout, stderr } = await connect(dialect, '--timeout', '30s');
      expect(exit, stderr).toBe(0);
      expect(stderr).toMatch(/Verified at 2\d{3}-/);
      const made = ours(dialect);
      expect(made).toHaveLength(Math.max(1, apis[dialect]!.places.length));
      for (const { url } of made) expect(url).toContain(`/v1/hooks/${dialect}/${apis[dialect]!.host}`);
      const { notifications, lastNotificationAt } = await plinth.client.getRegistry({ host: apis[dialect]!.host });
      expect(notifications?.dialect).toBe(dialect as NotificationDialect);
      expect(lastNotificationAt).not.toBeNull();
      for (const { secret } of made) if (secret && dialect !== 'google') expect(stdout + stderr).not.toContain(secret);
    });

    it('is set up once however often it is asked for, and each time with another secret', async () => {
      const before = ours(dialect);
      const { exit, stderr } = await connect(dialect, '--timeout', '30s');
      expect(exit, stderr).toBe(0);
      expect(stderr).toMatch(/Verified at/);
      const after = ours(dialect);
      expect(after).toHaveLength(before.length);
      if (dialect !== 'google') expect(after).not.toEqual(before);
    });

    it('is listed, removed, and leaves what is not ours alone', async () => {
      const listed = await connect(dialect, '--list', '-o', 'json');
      const made = JSON.parse(listed.stdout) as { url: string }[];
      expect(made).toHaveLength(ours(dialect).length);
      if (dialect === 'quay') expect(made[0]!.url).toMatch(/\/•••$/);
      const { exit, stderr } = await connect(dialect, '--remove');
      expect(exit, stderr).toBe(0);
      expect(stderr).toContain(`plinth registry update ${apis[dialect]!.host} --no-notifications`);
      expect(ours(dialect)).toEqual([]);
      expect(apis[dialect]!.setUp()).toEqual([apis[dialect]!.foreign]);
      const again = await connect(dialect, '--remove');
      expect(again.exit).toBe(0);
      expect(again.stderr).toContain('Nothing of this Plinth is set up');
    });

    it('says in the words of the API what was refused, without the login', async () => {
      const { host, places, identity } = apis[dialect]!;
      const wrong = 'AKIAWRONGWRONG:notTheRightLoginAtAll';
      const line = [
        'registry',
        'connect',
        host,
        '--dialect',
        dialect,
        '--api',
        server.url(dialect),
        '--api-login',
        '-',
      ];
      const as = identity === undefined ? [] : ['--identity', identity];
      const before = await plinth.client.getRegistry({ host });
      const named = places.flatMap((place) => ['--in', place]);
      const { exit, stderr } = await cliOf(plinth)([...line, ...named, ...as], wrong);
      expect(exit).toBe(1);
      expect(stderr).toContain('401: {"message":"bad credentials');
      expect(stderr).not.toContain('notTheRightLogin');
      expect(stderr).not.toContain(Buffer.from(wrong).toString('base64'));
      // What was there before still counts: nothing was changed here either.
      expect(await plinth.client.getRegistry({ host })).toEqual(before);
    });
  });

  it('are proven by what was delivered: every one was taken', () => {
    expect(server.delivered.length).toBeGreaterThanOrEqual(2 * Object.keys(apis).length);
    expect(server.delivered.every((status) => status === 202)).toBe(true);
  });

  it.each([
    [['registry', 'connect', 'harbor.connect.test', '--dialect', 'harbor', '--api-login', '-'], 'give a project'],
    [['registry', 'connect', 'harbor.connect.test', '--dialect', 'harbor', '--in', 'a/b'], 'is not a project'],
    [['registry', 'connect', 'harbor.connect.test', '--dialect', 'harbor', '--in', 'a'], '--api-login'],
    [
      ['registry', 'connect', 'harbor.connect.test', '--dialect', 'harbor', '--in', 'a', '--api-login', 'env:NONE'],
      'NONE is not set',
    ],
    [
      `registry connect harbor.connect.test --dialect harbor --in a --api-login - --api http://harbor.connect.test`.split(
        ' ',
      ),
      'clear text',
    ],
    [['registry', 'connect', 'europe-docker.pkg.dev', '--in', 'acme', '--api-login', '-'], '--identity'],
    [['registry', 'connect', 'quay.connect.test', '--dialect', 'zot', '--remove'], 'has no API'],
  ])('are refused when it is not said how: %j', async (line, words) => {
    const { exit, stderr } = await cliOf(plinth)(line, 'user:password');
    expect(exit).toBe(2);
    expect(stderr).toContain(words);
  });

  it('leave no login in anything that Plinth keeps', () => {
    const files = readdirSync(plinth.data, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    expect(files.length).toBeGreaterThan(4);
    for (const { parentPath, name } of files) {
      const content = readFileSync(join(parentPath, name)).toString('latin1');
      for (const { login } of Object.values(apis)) expect(content.includes(login)).toBe(false);
    }
  });
});
