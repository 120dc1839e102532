import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrpcClient, type CallOptions, type Client, type ClientInput } from '#libs/client';
import { isPlinthError, operations, scopes, type Operation, type OperationName, type Scope } from '#libs/contracts';
import { gzipSync } from 'node:zlib';
import { OidcIssuer } from '#libs/testing';
import { tarOf } from '../demo/base-image.js';
import { Plinth } from '../support/plinth.js';

/** A call that harms nothing when it is allowed, about what belongs to a team; and how it is answered then. */
interface Sample<N extends OperationName> {
  readonly input: (team: string) => ClientInput<N>;
  readonly options?: CallOptions;
  readonly allowed: string;
}

const step = { type: 'Docker' as const, contextPath: 'https://git.test/app.git', imageNames: ['registry.test/app:1'] };
const teams = ['ours', 'theirs'];
const runs: Record<string, string> = {};
const hook = (team: string) => ({ name: `${team}-hook`, url: 'https://hooks.invalid/', eventTypes: ['run.*'] });
const other = { ifMatch: 'no-version' };

/** One for each operation: an operation without one does not compile. */
const decision = () => ({ reference: 'registry.test/never-watched:1', reason: 'a test' });
const samples: { readonly [N in OperationName]: Sample<N> } = {
  createRegistry: { input: () => ({ host: 'registry.test' }), allowed: 'ALREADY_EXISTS' },
  listRegistries: { input: () => ({}), allowed: 'OK' },
  getRegistry: { input: () => ({ host: 'registry.test' }), allowed: 'OK' },
  updateRegistry: { input: () => ({ host: 'registry.test' }), options: other, allowed: 'ETAG_MISMATCH' },
  testRegistry: { input: () => ({ host: 'nowhere.test' }), allowed: 'NOT_FOUND' },
  deleteRegistry: { input: () => ({ host: 'registry.test' }), options: other, allowed: 'ETAG_MISMATCH' },
  listImages: { input: () => ({}), allowed: 'OK' },
  lookAtImage: { input: () => ({ reference: 'registry.test/never-watched:1' }), allowed: 'NOT_FOUND' },
  createPolicy: { input: () => ({ name: 'public', match: ['docker.io/*'] }), allowed: 'ALREADY_EXISTS' },
  listPolicies: { input: () => ({}), allowed: 'OK' },
  getPolicy: { input: () => ({ name: 'public' }), allowed: 'OK' },
  updatePolicy: { input: () => ({ name: 'public' }), options: other, allowed: 'ETAG_MISMATCH' },
  deletePolicy: { input: () => ({ name: 'public' }), options: other, allowed: 'ETAG_MISMATCH' },
  holdImage: { input: decision, allowed: 'NOT_FOUND' },
  releaseImage: { input: decision, allowed: 'NOT_FOUND' },
  pinImage: { input: decision, allowed: 'NOT_FOUND' },
  unpinImage: { input: decision, allowed: 'NOT_FOUND' },
  rollbackImage: { input: decision, allowed: 'NOT_FOUND' },
  createTask: { input: (team) => ({ name: `${team}-task`, team, step }), allowed: 'ALREADY_EXISTS' },
  listTasks: { input: () => ({}), allowed: 'OK' },
  getTask: { input: (team) => ({ name: `${team}-task` }), allowed: 'OK' },
  updateTask: { input: (team) => ({ name: `${team}-task` }), options: other, allowed: 'ETAG_MISMATCH' },
  deleteTask: { input: (team) => ({ name: `${team}-task` }), options: other, allowed: 'ETAG_MISMATCH' },
  runTask: { input: (team) => ({ name: `${team}-task` }), allowed: 'FAILED_PRECONDITION' },
  resetTask: { input: (team) => ({ name: `${team}-task` }), allowed: 'OK' },
  listRuns: { input: () => ({}), allowed: 'OK' },
  getRun: { input: (team) => ({ run: runs[team]! }), allowed: 'OK' },
  cancelRun: { input: (team) => ({ run: runs[team]! }), allowed: 'OK' },
  retryRun: { input: (team) => ({ run: runs[team]! }), allowed: 'FAILED_PRECONDITION' },
  scheduleRun: {
    input: (team) => ({ type: 'DockerBuildRequest', sourceLocation: step.contextPath, imageNames: ['NO NAME'], team }),
    allowed: 'INVALID_ARGUMENT',
  },
  getRunLogs: { input: (team) => ({ run: runs[team]! }), allowed: 'OK' },
  listRunSteps: { input: (team) => ({ run: runs[team]! }), allowed: 'OK' },
  uploadContext: { input: () => ({}), allowed: 'OK' },
  listDependants: { input: (team) => ({ task: `${team}-task` }), allowed: 'OK' },
  listInputs: { input: (team) => ({ task: `${team}-task` }), allowed: 'OK' },
  listStates: { input: () => ({}), allowed: 'OK' },
  explain: { input: (team) => ({ task: `${team}-task` }), allowed: 'OK' },
  getImpact: { input: (team) => ({ task: `${team}-task` }), allowed: 'OK' },
  getCurrent: { input: () => ({}), allowed: 'OK' },
  listContaining: { input: () => ({ digest: `sha256:${'0'.repeat(64)}` }), allowed: 'OK' },
  listWaves: { input: () => ({}), allowed: 'OK' },
  getWave: { input: () => ({ wave: 'none' }), allowed: 'NOT_FOUND' },
  createToken: { input: () => ({ name: 'chief', scope: 'read' }), allowed: 'ALREADY_EXISTS' },
  listTokens: { input: () => ({}), allowed: 'OK' },
  revokeToken: { input: () => ({ name: 'nobody' }), allowed: 'NOT_FOUND' },
  setSecret: { input: (team) => ({ name: `${team}-secret`, value: `value of ${team}` }), allowed: 'OK' },
  listSecrets: { input: () => ({}), allowed: 'OK' },
  getSecret: { input: (team) => ({ name: `${team}-secret` }), allowed: 'OK' },
  deleteSecret: { input: (team) => ({ name: `${team}-secret` }), allowed: 'FAILED_PRECONDITION' },
  resealSecrets: { input: () => ({}), allowed: 'OK' },
  createWebhook: { input: (team) => ({ ...hook(team), team }), allowed: 'ALREADY_EXISTS' },
  listWebhooks: { input: () => ({}), allowed: 'OK' },
  getWebhook: { input: (team) => ({ name: `${team}-hook` }), allowed: 'OK' },
  updateWebhook: { input: (team) => ({ name: `${team}-hook` }), options: other, allowed: 'ETAG_MISMATCH' },
  deleteWebhook: { input: (team) => ({ name: `${team}-hook` }), options: other, allowed: 'ETAG_MISMATCH' },
  rotateWebhookSecret: { input: (team) => ({ name: `${team}-hook` }), allowed: 'OK' },
  testWebhook: { input: (team) => ({ name: `${team}-hook` }), allowed: 'OK' },
  listDeliveries: { input: (team) => ({ name: `${team}-hook` }), allowed: 'OK' },
  replayWebhook: { input: (team) => ({ name: `${team}-hook`, from: 1, to: 1 }), allowed: 'FAILED_PRECONDITION' },
  applyTasks: { input: (team) => ({ team, tasks: [], dryRun: true }), allowed: 'OK' },
  applyRegistries: { input: (team) => ({ team, registries: [], dryRun: true }), allowed: 'OK' },
  applyPolicies: { input: (team) => ({ team, policies: [], dryRun: true }), allowed: 'OK' },
  listDeadLetters: { input: () => ({}), allowed: 'OK' },
  replayDeadLetter: { input: () => ({ id: '999999' }), allowed: 'NOT_FOUND' },
  getDiagnostics: { input: () => ({}), allowed: 'OK' },
  watchEvents: { input: () => ({ after: 0 }), allowed: 'OK' },
};

interface Caller {
  readonly name: string;
  /** Undefined for a caller without a token that counts. */
  readonly scope?: Scope;
  readonly team?: string;
  readonly http: Client;
  readonly grpc: Client;
}

/** How an operation must answer: what the table says, thought through once more. */
const expected = (operation: Operation, { scope, team }: Caller, of: string): string => {
  if (scope === undefined) return 'UNAUTHENTICATED';
  if (scopes.indexOf(scope) < scopes.indexOf(operation.scope)) return 'PERMISSION_DENIED';
  const isTeams = operation.team === 'named' || typeof operation.team === 'object';
  if (isTeams && scope !== 'admin' && team !== of) return 'PERMISSION_DENIED';
  return samples[operation.name as OperationName].allowed;
};

describe('every operation', () => {
  let plinth: Plinth;
  let callers: Caller[];
  let archive: Buffer;
  let issuer: OidcIssuer;

  beforeAll(async () => {
    issuer = await OidcIssuer.start();
    const oidc = {
      name: 'ci',
      issuer: issuer.url,
      audience: 'plinth',
      rules: [{ claims: { repository: 'acme/app' }, team: 'ours', scope: 'write' }],
    };
    plinth = await Plinth.start({ env: { PLINTH_OIDC: JSON.stringify(oidc), PLINTH_LOG_LEVEL: 'debug' } });
    archive = gzipSync(await tarOf([{ name: 'Dockerfile', content: 'FROM scratch' }]));
    const { client } = plinth;
    await client.createRegistry({ host: 'registry.test' });
    await client.createPolicy({ name: 'public', match: ['docker.io/*'] });
    for (const team of teams) {
      await client.setSecret({ name: `${team}-secret`, value: `value of ${team}`, team });
      const secret = { name: 'KEY', isSecret: true, secretRef: `${team}-secret` };
      const name = `${team}-task`;
      await client.createTask({ name, team, agentPoolName: 'nobody', step: { ...step, arguments: [secret] } });
      runs[team] = (await client.runTask({ name })).runId;
      await client.updateTask({ name, status: 'Disabled' });
      await client.createWebhook({ ...hook(team), team, status: 'Disabled' });
    }
    const caller = (name: string, token: string | undefined, who: { scope?: Scope; team?: string } = {}): Caller => ({
      name,
      ...who,
      http: plinth.as(token),
      grpc: createGrpcClient({ address: plinth.grpc, ...(token === undefined ? {} : { token }) }),
    });
    callers = [caller('nobody', undefined), caller('somebody with a token that nobody made', 'plinth_none')];
    for (const team of teams) {
      for (const scope of ['read', 'run', 'write'] as const) {
        const { token } = await client.createToken({ name: `${team}-${scope}`, scope, team });
        callers.push(caller(`${scope} of ${team}`, token, { scope, team }));
      }
    }
    const { token } = await client.createToken({ name: 'chief', scope: 'admin', team: 'elsewhere' });
    callers.push(caller('admin', token, { scope: 'admin', team: 'elsewhere' }));
  });
  afterAll(async () => {
    for (const { grpc } of callers ?? []) grpc.close();
    await plinth?.close();
    await issuer?.stop();
  });

  const codeOf = async (client: Client, name: OperationName, of: string): Promise<string> => {
    const { input, options } = samples[name] as Sample<OperationName>;
    const operation: Operation = operations[name];
    try {
      if (name === 'uploadContext') await client.uploadContext({}, archive, { contentType: 'application/gzip' });
      else if (operation.kind === 'stream') {
        const stream = (client[name] as unknown as (i: unknown) => AsyncIterable<unknown>)(input(of));
        for await (const _item of stream) break;
      } else await (client[name] as (i: unknown, o?: CallOptions) => Promise<unknown>)(input(of), options);
      return 'OK';
    } catch (error) {
      if (isPlinthError(error)) return error.code;
      throw error;
    }
  };

  const names = Object.keys(operations) as OperationName[];
  const cases = (['http', 'grpc'] as const).flatMap((over) => names.map((name) => [over, name] as const));
  it.each(cases)('over %s, %s is answered as scope and team say', async (over, name) => {
    const asked = callers.flatMap((caller) => teams.map((team) => ({ caller, team })));
    const answers = await Promise.all(
      asked.map(async ({ caller, team }) => [
        `${caller.name}, about what is of ${team}`,
        await codeOf(caller[over], name, team),
      ]),
    );
    const wanted = asked.map(({ caller, team }) => [
      `${caller.name}, about what is of ${team}`,
      expected(operations[name], caller, team),
    ]);
    expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(wanted));
  });

  const as = (name: string): Client => callers.find((caller) => caller.name === name)!.http;

  it('shows a team its own secrets and those that are shared, to admin all', async () => {
    const shown = async (client: Client) => (await client.listSecrets()).secrets.map(({ name }) => name);
    await plinth.client.setSecret({ name: 'common', value: 'for all', team: 'theirs', shared: true });
    expect(await shown(as('write of ours'))).toEqual(['common', 'ours-secret']);
    expect(await shown(as('write of theirs'))).toEqual(['common', 'theirs-secret']);
    expect(await shown(as('admin'))).toEqual(['common', 'ours-secret', 'theirs-secret']);
  });

  it('lets a task name secrets of its own team and shared ones, and no others', async () => {
    const ours = as('write of ours');
    const using = (secretRef: string) => ({ ...step, arguments: [{ name: 'KEY', isSecret: true, secretRef }] });
    const denied = (field: string) => ({ code: 'PERMISSION_DENIED', violations: [{ field }] });
    const field = 'step.arguments[0].secretRef';
    await expect(ours.createTask({ name: 'thief', step: using('theirs-secret@1') })).rejects.toMatchObject(
      denied(field),
    );
    await expect(
      ours.updateTask({ name: 'ours-task', step: { arguments: using('theirs-secret').arguments } }),
    ).rejects.toMatchObject(denied(field));
    await expect(
      ours.updateTask({ name: 'ours-task', step: { contextAccessToken: 'theirs-secret' } }),
    ).rejects.toMatchObject(denied('step.contextAccessToken'));
    await ours.createTask({ name: 'user', step: using('common') });
    expect((await as('admin').getSecret({ name: 'common' })).usedBy).toEqual([{ kind: 'Task', name: 'user', field }]);
    await expect(as('write of theirs').deleteSecret({ name: 'common' })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('The task user names the secret common in step.arguments[0].secretRef'),
    });
    await as('write of theirs').deleteSecret({ name: 'common', force: true });
    // A name that is free again may be taken by another team: the task that still names it gets nothing of it.
    await as('write of theirs').setSecret({ name: 'common', value: 'of theirs alone' });
    await ours.deleteTask({ name: 'user' });
  });

  it('keeps a team from making things for another one', async () => {
    const denied = { code: 'PERMISSION_DENIED', message: expect.stringContaining('"theirs"') };
    await expect(as('write of ours').createTask({ name: 'x', team: 'theirs', step })).rejects.toMatchObject(denied);
    await expect(as('write of ours').setSecret({ name: 'x', value: 'y', team: 'theirs' })).rejects.toMatchObject(
      denied,
    );
  });

  it('takes tokens of an issuer that the operator names, as if they were of the team that its rule names', async () => {
    const claims = { sub: 'repo:acme/app', repository: 'acme/app' };
    issuer.failing = 500;
    const early = { headers: { authorization: `Bearer ${await issuer.token(claims)}` } };
    expect(await plinth.raw('GET', '/v1/tasks', early)).toMatchObject({
      status: 503,
      body: { code: 'UNAVAILABLE', detail: expect.stringContaining('The keys of ci cannot be had') },
    });
    issuer.failing = undefined;
    const grpcAs = (token: string) => createGrpcClient({ address: plinth.grpc, token });
    const token = await issuer.token(claims, { alg: 'ES256' });
    const [http, grpc] = [plinth.as(token), grpcAs(token)];
    const before = plinth.feed.events.length;
    await http.createTask({ name: 'by-ci', step });
    const { data } = await plinth.until('task.created', ({ definition }) => definition.name === 'by-ci', before);
    expect(data).toMatchObject({ by: 'ci:repo:acme/app', definition: { team: 'ours' } });
    expect(await grpc.getTask({ name: 'by-ci' })).toMatchObject({ team: 'ours' });
    for (const client of [http, grpc]) {
      await expect(client.resetTask({ name: 'theirs-task' })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      await expect(client.listTokens()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    }
    await grpc.deleteTask({ name: 'by-ci' });
    grpc.close();
    const late = await issuer.token(claims, { issuedAt: 1_700_000_000 });
    const stranger = await issuer.token({ sub: 'repo:evil/app' });
    const forged = await issuer.token(claims, { kid: 'made-up' });
    const cases = [
      [late, 'UNAUTHENTICATED', 'has expired'],
      [stranger, 'PERMISSION_DENIED', 'no rule is for repo:evil/app'],
      [forged, 'UNAUTHENTICATED', 'no such key'],
    ] as const;
    for (const [refused, code, words] of cases) {
      for (const client of [plinth.as(refused), grpcAs(refused)]) {
        await expect(client.listTasks()).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
        client.close();
      }
    }
    for (const one of [token, late, stranger, forged]) expect(plinth.log()).not.toContain(one.split('.')[2]);
  });

  it('takes no token that is over before it begins', async () => {
    await expect(
      plinth.client.createToken({ name: 'late', scope: 'read', expiresAt: '2020-01-01T00:00:00Z' }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', violations: [{ field: 'expiresAt' }] });
  });
});
