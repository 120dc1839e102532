import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Plinth } from '../support/plinth.js';
import { protectRegistry, type ProtectedRegistry } from '../support/protected-registry.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

const canary = (name: string) => `canary-${name}-${randomBytes(12).toString('hex')}`;

const manifestTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json'].join(
  ', ',
);

/** Something that Plinth keeps or says, as bytes, with where it was found. */
interface Kept {
  readonly where: string;
  readonly bytes: Buffer;
}

describe('secrets', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let door: ProtectedRegistry;
  const signingKey = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const canaries = {
    'signing key': signingKey.split('\n')[1] ?? '',
    'registry password': canary('password'),
    'secret build argument': canary('argument'),
    'stored secret that nobody uses': canary('stored'),
    'webhook secret': canary('webhook'),
    'secret in a refused request': canary('refused'),
  };
  /** Said in the open on purpose: what is not found here was not looked for. */
  const control = canary('control');
  let tokens: Record<string, string>;

  beforeAll(async () => {
    const env = { PLINTH_LOG_LEVEL: 'trace', PLINTH_SIGNING_KEY: 'signing' };
    [plinth, registry] = await Promise.all([Plinth.start({ env }), startRegistry()]);
    const password = canaries['registry password'];
    door = await protectRegistry(registry.host, 'robot', password);
    await registry.push('base', '1', 'first');
    const { client } = plinth;
    await client.setSecret({ name: 'password', value: password });
    await client.setSecret({ name: 'argument', value: canaries['secret build argument'] });
    await client.setSecret({ name: 'stored', value: canaries['stored secret that nobody uses'] });
    await client.setSecret({ name: 'signing', value: signingKey });
    await client.setSecret({ name: 'hook', value: canaries['webhook secret'] });
    const made = await client.createToken({ name: 'made', scope: 'read' }, { idempotencyKey: canary('key') });
    const webhook = await client.createWebhook(
      { name: 'chat', url: 'https://hooks.invalid/', eventTypes: ['*'] },
      { idempotencyKey: canary('key') },
    );
    const { secret } = await client.rotateWebhookSecret({ name: 'chat' });
    tokens = {
      'first token': plinth.token,
      'token that was made': made.token,
      'secret of a webhook': webhook.secret,
      'newer secret of a webhook': secret,
    };
    await client.createRegistry({
      host: door.host,
      scheme: 'http',
      poll: { intervalSeconds: 1 },
      credentials: { username: 'robot', password: 'password' },
      notifications: { dialect: 'distribution', secret: 'hook' },
    });
  });
  afterAll(async () => {
    await plinth?.close();
    await door?.stop();
    await registry?.close();
  });

  it('are used: the registry is logged in to, the argument reaches the build, the webhook is taken', async () => {
    const base = `${door.host}/base:1`;
    const dockerfile = [
      `FROM ${base}`,
      'ARG KEY',
      'ARG OPEN',
      'LABEL open=$OPEN',
      // A careless build says its secret aloud, whole and in the middle of a line.
      'RUN echo "$KEY"; echo "key=$KEY;"; echo "$OPEN"; [ -n "$KEY" ]',
    ].join('\n');
    const list = [
      { name: 'KEY', isSecret: true, secretRef: 'argument' },
      { name: 'OPEN', value: control },
    ];
    await plinth.task('app', { files: dockerfile, image: `${door.host}/app:1`, step: { arguments: list } });
    await plinth.watching('app');
    await plinth.build('app');
    expect(door.accepted).toBeGreaterThan(0);
    const seen = plinth.feed.events.length;
    await registry.push('base', '1', 'second');
    const hook = await fetch(`${plinth.url}/v1/hooks/distribution/${door.host}`, {
      method: 'POST',
      headers: { authorization: canaries['webhook secret'] },
      body: JSON.stringify({ events: [{ action: 'push', target: { repository: 'base', tag: '1' } }] }),
    });
    expect(hook.status).toBe(202);
    await plinth.until('run.succeeded', ({ task }) => task === 'app', seen);
  });

  it('are refused with what was wrong, without being repeated', async () => {
    const value = canaries['secret in a refused request'];
    const step = { type: 'Docker', contextPath: 'https://git.test/a.git', imageNames: ['r.test/a:1'] };
    const answers = [
      await plinth.json('PUT', '/v1/secrets/not%20a%20name', { value }),
      await plinth.json('PUT', '/v1/secrets/fine', { value: [value] }),
      await plinth.json('POST', '/v1/tasks', {
        name: 'x',
        step: { ...step, contextPath: `https://me:${value}@git.test/a.git` },
      }),
      await plinth.json('POST', '/v1/tasks', {
        name: 'x',
        step: { ...step, arguments: [{ name: 'KEY', isSecret: true, value }] },
      }),
      await plinth.json('POST', '/v1/registries', {
        host: 'x.test',
        credentials: { username: 'me', password: `${value}!` },
      }),
      // One that looks like a name.
      await plinth.json('POST', '/v1/registries', { host: 'x.test', credentials: { username: 'me', password: value } }),
      await plinth.json('PATCH', `/v1/registries/${door.host}`, { credentials: { username: 'me', password: value } }),
      await plinth.raw('GET', '/v1/tasks', { headers: { authorization: `Bearer ${value}` } }),
    ];
    for (const { status, body } of answers) {
      expect([400, 401, 412]).toContain(status);
      expect(JSON.stringify(body)).not.toContain(value);
    }
  });

  it('are nowhere: not in a stream, a database, a log, a file or an answer', async () => {
    const kept = [...(await answers()), ...(await streams()), ...(await images())];
    await plinth.stop();
    kept.push(...(await files(plinth.data)));
    const holding = (value: string): string[] => {
      const forms = [value, Buffer.from(value).toString('base64').replace(/=+$/, '').slice(0, -2)];
      return kept.filter(({ bytes }) => forms.some((form) => bytes.includes(form))).map(({ where }) => where);
    };
    // Each kind of place is searched: the one that may be found is found in all of them.
    const found = holding(control);
    for (const kind of [
      /^answer /,
      /^stream PLINTH_EVENTS/,
      /^stream PLINTH_LOGS/,
      /^file .*sqlite/,
      /^image /,
      /^provenance /,
    ]) {
      expect(found.filter((where) => kind.test(where))).not.toEqual([]);
    }
    expect(kept.filter(({ where }) => where.startsWith('file ') && where.endsWith('plinth.log'))).toHaveLength(1);
    const leaks = Object.entries({ ...canaries, ...tokens }).flatMap(([name, value]) =>
      holding(value).map((where) => `${name} is in ${where}`),
    );
    expect(leaks).toEqual([]);
  });

  const answers = async (): Promise<Kept[]> => {
    const paths = [
      '/v1/registries',
      '/v1/images',
      '/v1/tasks',
      '/v1/runs',
      '/v1/waves',
      '/v1/secrets',
      '/v1/tokens',
      '/v1/secrets/hook',
      '/v1/webhooks',
      '/v1/webhooks/chat/deliveries',
      '/v1/graph/states',
      '/v1/graph/explain?task=app',
      '/metrics',
      '/health/ready',
      '/openapi.json',
    ];
    const { runs } = await plinth.client.listRuns({});
    paths.push(...runs.map(({ runId }) => `/v1/runs/${runId}/logs`));
    return Promise.all(
      paths.map(async (path) => {
        const response = await fetch(`${plinth.url}${path}`, { headers: { authorization: `Bearer ${plinth.token}` } });
        expect(response.status).toBe(200);
        return { where: `answer ${path}`, bytes: Buffer.from(await response.arrayBuffer()) };
      }),
    );
  };

  /** What was published: manifests, configurations and layers, unpacked; and the provenance, out of its envelope. */
  const images = async (): Promise<Kept[]> => {
    const kept: Kept[] = [];
    const get = async (kind: string, what: string, path: string): Promise<Buffer> => {
      const response = await fetch(`http://${registry.host}/v2/app/${path}`, { headers: { accept: manifestTypes } });
      expect(response.status).toBe(200);
      const bytes = Buffer.from(await response.arrayBuffer());
      kept.push({
        where: `${kind} ${what}`,
        bytes: bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes,
      });
      return bytes;
    };
    const read = async (kind: string, name: string): Promise<void> => {
      const { config, layers, manifests } = JSON.parse((await get(kind, name, `manifests/${name}`)).toString()) as {
        config?: { digest: string };
        layers?: { digest: string; mediaType: string }[];
        manifests?: { digest: string; artifactType?: string }[];
      };
      if (config) await get(kind, `config of ${name}`, `blobs/${config.digest}`);
      for (const { digest, mediaType } of layers ?? []) {
        const blob = await get(kind, `layer of ${name}`, `blobs/${digest}`);
        if (!mediaType.includes('dsse')) continue;
        const { payload } = JSON.parse(blob.toString()) as { payload: string };
        kept.push({ where: `provenance of ${name}`, bytes: Buffer.from(payload, 'base64') });
      }
      for (const child of manifests ?? []) await read(kind, child.digest);
    };
    const { tags } = (await (await fetch(`http://${registry.host}/v2/app/tags/list`)).json()) as { tags: string[] };
    // What hangs on an image stands behind a tag of its own, in a registry without an API for it.
    expect(tags.some((tag) => tag.startsWith('sha256-'))).toBe(true);
    for (const tag of tags) await read(tag.startsWith('sha256-') ? 'referrer' : 'image', tag);
    return kept;
  };

  /** Every message of every stream, also those behind key-value buckets and object stores. */
  const streams = async (): Promise<Kept[]> => {
    const folder = join(plinth.data, 'data/nats');
    const [, port] = /listen: "127\.0\.0\.1:(\d+)"/.exec(await readFile(join(folder, 'nats-server.conf'), 'utf8'))!;
    const pass = (await readFile(join(folder, 'password'), 'utf8')).trim();
    const connection = await connect({ servers: `127.0.0.1:${port}`, user: 'plinth', pass });
    const kept: Kept[] = [];
    try {
      const manager = await jetstreamManager(connection);
      for await (const { config, state } of manager.streams.list()) {
        for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
          const message = await manager.streams.getMessage(config.name, { seq });
          if (!message) continue;
          const head = Buffer.from(`${message.subject}\n${JSON.stringify([...message.header])}\n`);
          kept.push({ where: `stream ${config.name} ${message.subject}`, bytes: Buffer.concat([head, message.data]) });
        }
      }
    } finally {
      await connection.close();
    }
    return kept;
  };

  const files = async (root: string): Promise<Kept[]> => {
    const kept: Kept[] = [];
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      // The engine keeps what it builds, and with what arguments, in its own store that only its owner reads.
      if (relative(root, path).startsWith('data/builder/docker/data/')) continue;
      kept.push({ where: `file ${relative(root, path)}`, bytes: await readFile(path) });
    }
    return kept;
  };
});
