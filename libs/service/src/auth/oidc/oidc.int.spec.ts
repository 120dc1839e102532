import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SignJWT, UnsecuredJWT } from 'jose';
import { freePort, OidcIssuer, tempDir } from '#libs/testing';
import { OidcAuthenticator } from './oidc-authenticator.js';
import { readOidcSettings } from './settings.js';

const github = {
  sub: 'repo:acme/app:ref:refs/heads/main',
  repository: 'acme/app',
  repository_owner: 'acme',
  ref: 'refs/heads/main',
};
const rules = [
  { claims: { repository: 'acme/app', ref: 'refs/heads/main' }, team: 'web', scope: 'write' },
  { claims: { repository_owner: ['acme', 'emca'] }, teamClaim: 'repository_owner', scope: 'read' },
  { claims: { 'realm_access.roles': 'operators' }, team: 'ops', scope: 'admin' },
  { claims: { sub: 'project_path:acme/*:ref_type:branch:**' }, team: 'gitlab', scope: 'run' },
];
const seconds = (): number => Math.floor(Date.now() / 1000);

describe('tokens of an OpenID Connect issuer', () => {
  let issuer: OidcIssuer;
  let said: string[];
  let authenticator: OidcAuthenticator;
  const authenticate = (token: string) => authenticator.authenticate(token);
  const make = async (more: object = {}, cooldownMs = 0): Promise<OidcAuthenticator> =>
    new OidcAuthenticator({
      providers: await readOidcSettings(
        JSON.stringify({ name: 'ci', issuer: issuer.url, audience: 'plinth', rules, ...more }),
      ),
      logger: { warn: (fields, message) => void said.push(JSON.stringify({ ...fields, message })) },
      timeoutMs: 2000,
      cooldownMs,
    });

  beforeAll(async () => {
    issuer = await OidcIssuer.start();
  });
  afterAll(() => issuer.stop());
  beforeEach(async () => {
    said = [];
    authenticator = await make();
  });
  afterEach(() => {
    issuer.failing = undefined;
  });

  it.each(['RS256', 'ES256'] as const)(
    'signed with %s are taken, for what the first rule that holds says',
    async (alg) => {
      expect(await authenticate(await issuer.token(github, { alg }))).toMatchObject({
        subject: 'ci:repo:acme/app:ref:refs/heads/main',
        team: 'web',
        scope: 'write',
      });
    },
  );

  it('are matched by lists, paths, patterns and the team that they name', async () => {
    const of = async (claims: object) => authenticate(await issuer.token({ sub: 'x', ...claims }));
    expect(await of({ ...github, ref: 'refs/heads/topic' })).toMatchObject({ team: 'acme', scope: 'read' });
    expect(await of({ realm_access: { roles: ['users', 'operators'] } })).toMatchObject({
      team: 'ops',
      scope: 'admin',
    });
    expect(await of({ sub: 'project_path:acme/app:ref_type:branch:ref:a/b' })).toMatchObject({ team: 'gitlab' });
    await expect(of({ sub: 'project_path:acme/group/app:ref_type:branch:ref:main' })).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    });
    // A team whose name is none is no team.
    await expect(of({ repository_owner: 'emca', realm_access: 'operators' })).resolves.toMatchObject({ team: 'emca' });
  });

  it('may nothing where no rule is for them', async () => {
    await expect(authenticate(await issuer.token({ sub: 'repo:evil/app:ref:refs/heads/main' }))).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('no rule is for repo:evil/app:ref:refs/heads/main'),
    });
    await expect(
      authenticate(await issuer.token({ sub: 'x', repository: 'acme/app2', ref: 'refs/heads/main' })),
    ).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('are refused with the reason, and without their text', async () => {
    const secret = new TextEncoder().encode(JSON.stringify(issuer.publicKey('RS256')));
    const hmac = new SignJWT(github).setProtectedHeader({ alg: 'HS256' }).setIssuer(issuer.url).setAudience('plinth');
    const [head, body, signature] = (await issuer.token(github)).split('.') as [string, string, string];
    const changed = Buffer.from(body, 'base64url').toString().replace('acme/app', 'evil/app');
    const refused: [string, string, RegExp][] = [
      ['expired', await issuer.token(github, { issuedAt: seconds() - 900, expiresAt: seconds() - 60 }), /has expired/],
      ['without an end', await issuer.token(github, { expiresAt: null }), /claim exp is missing/],
      ['not valid yet', await issuer.token(github, { notBefore: seconds() + 600 }), /not valid yet/],
      ['for somebody else', await issuer.token(github, { audience: 'sts.test' }), /with the audience "plinth"/],
      ['of another issuer', await issuer.token(github, { issuer: 'https://evil.test' }), /issuer that is not taken/],
      ['of a key that is not there', await issuer.token(github, { kid: 'none' }), /no such key/],
      ['signed with another key', await issuer.token(github, { alg: 'RS256', kid: 'ES256-1' }), /not valid/],
      [
        'without a signature',
        new UnsecuredJWT(github).setIssuer(issuer.url).setAudience('plinth').encode(),
        /not valid/,
      ],
      ['signed with our own public key', await hmac.setIssuedAt().setExpirationTime('5m').sign(secret), /not taken/],
      ['changed', `${head}.${Buffer.from(changed).toString('base64url')}.${signature}`, /signature is wrong/],
    ];
    for (const [what, token, words] of refused) {
      const error = await authenticate(token).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error, what).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringMatching(words) });
      expect((error as Error).message, what).not.toContain(token.split('.')[1]);
    }
  });

  it('are not confused with what is no such token', async () => {
    for (const token of ['plinth_abc', 'a.b.c', 'no token at all']) expect(await authenticate(token)).toBeUndefined();
  });

  it('are taken a little after their end, as clocks differ, and then no more', async () => {
    const token = await issuer.token(github, { issuedAt: seconds() - 300, expiresAt: seconds() - 10 });
    const principal = await authenticate(token);
    expect(principal?.isValid?.()).toBe(true);
    authenticator = await make({ clockToleranceSeconds: 0 });
    await expect(authenticate(token)).rejects.toThrow(/has expired/);
  });

  it('are checked with new keys when the issuer rotates its own, which are asked for once in a while', async () => {
    await authenticate(await issuer.token(github));
    const before = issuer.fetched;
    for (let n = 0; n < 5; n += 1) await authenticate(await issuer.token(github));
    expect(issuer.fetched).toBe(before);
    const old = await issuer.token(github);
    await issuer.rotate();
    expect(await authenticate(await issuer.token(github))).toMatchObject({ team: 'web' });
    await expect(authenticate(old)).rejects.toThrow(/no such key/);
    // Tokens with made-up keys do not make us ask again and again.
    authenticator = await make({}, 30_000);
    await authenticate(await issuer.token(github));
    const asked = issuer.fetched;
    for (let n = 0; n < 5; n += 1) {
      await expect(authenticate(await issuer.token(github, { kid: `made-up-${n}` }))).rejects.toThrow(/no such key/);
    }
    expect(issuer.fetched).toBe(asked);
  });

  it('cannot be checked while the issuer is away, which is said; what it said before still counts', async () => {
    const token = await issuer.token(github);
    issuer.failing = 500;
    const unavailable = { code: 'UNAVAILABLE', message: expect.stringContaining('The keys of ci cannot be had') };
    await expect(authenticate(token)).rejects.toMatchObject(unavailable);
    await issuer.stop();
    await expect(authenticate(token)).rejects.toMatchObject(unavailable);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('answered 500');
    expect(said[0]).not.toContain(token);
    issuer.failing = undefined;
    await issuer.listen();
    expect(await authenticate(token)).toMatchObject({ team: 'web' });
    await issuer.stop();
    expect(await authenticate(token)).toMatchObject({ team: 'web' });
    await expect(authenticate(await issuer.token(github, { kid: 'new' }))).rejects.toMatchObject(unavailable);
    expect(await authenticate(token)).toMatchObject({ team: 'web' });
    await issuer.listen();
  });
});

describe('the settings of issuers', () => {
  const good = { name: 'ci', issuer: 'https://issuer.test', audience: 'plinth', rules: [{ ...rules[0] }] };
  const problem = async (value: unknown): Promise<string> =>
    readOidcSettings(typeof value === 'string' ? value : JSON.stringify(value)).then(
      () => 'taken',
      (error: Error) => error.message,
    );

  it('are YAML or JSON, one or several, or a file', async () => {
    const yaml = [
      '- name: github',
      '  issuer: https://token.actions.githubusercontent.com',
      '  audience: plinth',
      '  rules: [{ claims: { repository: acme/app }, team: web, scope: run }]',
      '- name: gitlab',
      '  issuer: https://gitlab.test',
      '  audience: plinth',
      '  rules: [{ claims: { project_path: acme/* }, teamClaim: namespace_path, scope: read }]',
    ].join('\n');
    expect(await readOidcSettings(yaml)).toMatchObject([{ name: 'github' }, { name: 'gitlab' }]);
    const folder = await tempDir('oidc');
    await writeFile(join(folder.path, 'oidc.yaml'), yaml);
    expect(await readOidcSettings(`@${join(folder.path, 'oidc.yaml')}`)).toHaveLength(2);
    await folder.remove();
    expect(await readOidcSettings(JSON.stringify(good))).toHaveLength(1);
  });

  it('are refused with the name of what is wrong', async () => {
    expect(await problem({ ...good, issuer: 'http://issuer.test' })).toContain('[0].issuer: expected an https:// URL');
    expect(await problem({ ...good, issuer: `http://127.0.0.1:${await freePort()}` })).toBe('taken');
    expect(await problem({ ...good, jwksUri: 'http://issuer.test/keys' })).toContain('jwksUri');
    expect(await problem({ ...good, audience: undefined })).toContain('audience');
    expect(await problem({ ...good, rules: [] })).toContain('rules');
    expect(await problem({ ...good, rules: [{ claims: {}, team: 'web', scope: 'run' }] })).toContain(
      'at least one claim',
    );
    expect(await problem({ ...good, rules: [{ claims: { a: 'b' }, scope: 'run' }] })).toContain(
      'either team, or teamClaim',
    );
    expect(await problem({ ...good, rules: [{ claims: { a: 'b' }, team: 'web', scope: 'all' }] })).toContain('scope');
    expect(await problem({ ...good, algorithms: ['HS256'] })).toContain('algorithms[0]');
    expect(await problem({ ...good, algorithms: ['none'] })).toContain('algorithms[0]');
    expect(await problem({ ...good, colour: 'blue' })).toContain('colour is no setting');
    expect(await problem([good, good])).toContain('each issuer once');
    expect(await problem('@/none/there')).toContain('ENOENT');
    expect(await problem(': : :')).toContain('PLINTH_OIDC');
  });
});
