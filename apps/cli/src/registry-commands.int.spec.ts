import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReference, RegistryClient } from '#libs/oci';
import { packArtifact } from '#libs/provenance';
import { tempDir, type TempDir } from '#libs/testing';
import { ImageMaker, standsOn } from '../../../libs/lineage/src/testing/images.js';
import { startRegistry, testLogin, type TestRegistry } from '../../../libs/oci/src/testing/registry.js';
import { runCli } from './run.js';

interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

describe('commands that read a registry without a server', () => {
  let dir: TempDir;
  let registry: TestRegistry;
  let closed: TestRegistry;
  let client: RegistryClient;
  let make: ImageMaker;
  let base: string;
  let app: string;
  let before: string;

  /** Runs a command line; the home is an empty folder, so no context and no token is known. */
  const plinth = async (line: readonly string[], { env = {}, stdin = '' } = {}): Promise<Ran> => {
    let [out, err] = ['', ''];
    const exit = await runCli(line, {
      stdin: Readable.from([stdin]),
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      env: { HOME: dir.path, DOCKER_CONFIG: dir.path, PLINTH_DATA: dir.path, ...env },
      cwd: dir.path,
      interrupted: new AbortController().signal,
    });
    return { exit, out, err };
  };

  beforeAll(async () => {
    dir = await tempDir('cli');
    [registry, closed] = await Promise.all([startRegistry(), startRegistry({ auth: 'basic' })]);
    client = new RegistryClient({
      hosts: [
        { registry: registry.host, scheme: 'http' },
        { registry: closed.host, scheme: 'http', credentials: () => Promise.resolve(testLogin) },
      ],
    });
    make = new ImageMaker(client, registry.host);
    base = `${registry.host}/base:1`;
    app = `${registry.host}/app:1`;
    const { digest } = await make.image('base:1', { layers: ['b1', 'b2'], created: '2026-01-02T03:04:05Z' });
    before = digest;
    await make.image('app:1', {
      layers: ['b1', 'b2', 'own'],
      created: '2026-02-03T04:05:06Z',
      annotations: standsOn(base, digest),
    });
  });
  afterAll(async () => {
    await client?.close();
    await registry?.stop();
    await closed?.stop();
    await dir?.remove();
  });

  it('why says what an image stands on, and that only a registry was read', async () => {
    const ran = await plinth(['why', app, '--plain-http']);
    expect(ran).toEqual({
      exit: 0,
      out: [
        `linux/amd64  Current  ${app} is current: it stands on ${base} as it is now.`,
        `  ${app} was built on 2026-02-03 at 04:05 UTC and has 3 layers.`,
        `  ${app} stands on ${base} (${before.slice(7, 19)}), built on 2026-01-02 at 03:04 UTC, by its annotations, and its layers show it; 2 layers of it are from there.`,
        `  Under ${base}: no annotation and no label says what it stands on. Name what it may stand on (--candidate), to have the layers compared.`,
        '',
      ].join('\n'),
      err: 'No server is configured: this is read from the registry alone, and nothing is changed.\n',
    });
    const asked = await plinth(['why', '--no-server', app, '--plain-http', '-o', 'wide']);
    expect(asked).toMatchObject({ exit: 0, err: '' });
    expect(asked.out).toMatch(/^ {2}LAYER +BYTES +FROM\n/m);
    expect(asked.out.split('\n').filter((line) => line.endsWith(`  ${base}`))).toHaveLength(2);
  });

  it('why ends with 6 when the base moved, and its JSON says from what to what', async () => {
    const { digest } = await make.image('base:1', { layers: ['b1', 'new'], created: '2026-03-04T05:06:07Z' });
    const ran = await plinth(['why', app, '--no-server', '--plain-http', '-o', 'json']);
    expect(ran).toMatchObject({ exit: 6, err: '' });
    expect(JSON.parse(ran.out)).toEqual({
      image: app,
      digest: expect.stringMatching(/^sha256:/),
      status: 'Stale',
      platforms: [
        {
          platform: 'linux/amd64',
          digest: expect.stringMatching(/^sha256:/),
          created: '2026-02-03T04:05:06.000Z',
          status: 'Stale',
          layers: [base, base, null].map((of) => ({
            digest: expect.stringMatching(/^sha256:/),
            diffId: expect.stringMatching(/^sha256:/),
            size: expect.any(Number),
            of,
          })),
          chain: [
            {
              reference: base,
              source: 'Manifest',
              proof: 'Prefix',
              layers: 2,
              digest: before,
              manifest: before,
              created: '2026-01-02T03:04:05.000Z',
              now: { digest, manifest: digest, created: '2026-03-04T05:06:07.000Z', layers: 2 },
              state: 'Moved',
              notes: [],
            },
          ],
          end: { code: 'Unnamed', text: expect.any(String) },
        },
      ],
    });
    expect((await plinth(['why', app, '--no-server', '--plain-http', '--jq', '.status'])).out).toBe('Stale\n');
    expect((await plinth(['why', app, '--no-server', '--plain-http'])).out).toContain(
      `  ${base} moved ${before.slice(7, 19)} → ${digest.slice(7, 19)}, built on 2026-03-04 at 05:06 UTC.`,
    );
  });

  describe('inspect provenance', () => {
    const [own, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ec', { namedCurve: 'P-256' })];
    const statement = (hex: string) => ({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'x', digest: { sha256: hex } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          buildType: 'https://plinth.dev/build/v1',
          externalParameters: {},
          internalParameters: {},
          resolvedDependencies: [{ name: base, digest: { sha256: 'b'.repeat(64) }, annotations: { role: 'base' } }],
        },
        runDetails: {
          builder: { id: 'x' },
          metadata: { invocationId: 'r1/1', finishedOn: '2026-05-06T07:08:09.000Z' },
        },
      },
    });
    const attach = async (tag: string, about?: string, key?: KeyObject): Promise<string> => {
      const image = `${registry.host}/${tag}`;
      await make.image(tag, { layers: [tag] });
      const { digest, mediaType, bytes } = await client.getManifest(parseReference(image));
      const text = JSON.stringify(statement(about ?? digest.slice('sha256:'.length)));
      const artifact = packArtifact(text, { mediaType, digest, size: bytes.length }, new Date(0), key);
      for (const blob of artifact.blobs) {
        await client.uploadBlob(
          parseReference(image),
          { digest: blob.digest, size: blob.bytes.length },
          () => blob.bytes,
        );
      }
      await client.pushReferrer(parseReference(image), artifact.mediaType, artifact.bytes);
      return image;
    };
    const keyFile = async (name: string, key: KeyObject): Promise<string> => {
      await writeFile(join(dir.path, name), key.export({ type: 'spki', format: 'pem' }));
      return name;
    };

    it('shows what an image was made of, and verifies who signed that', async () => {
      const image = await attach('signed:1', undefined, own.privateKey);
      const key = await keyFile('own.pub', own.publicKey);
      const ran = await plinth(['inspect', 'provenance', image, '--plain-http', '--key', key]);
      expect(ran).toMatchObject({ exit: 0, err: '' });
      expect(ran.out).toContain('by run r1/1');
      expect(ran.out).toContain('; signed by the key that was given');
      expect(ran.out).toMatch(new RegExp(`^base +${base} +sha256:b{64}$`, 'm'));
      const json = await plinth(['inspect', 'provenance', image, '--plain-http', '--jq', '.provenance[0].signedBy[0]']);
      expect(json.out).toMatch(/^[0-9a-f]{64}\n$/);
    });

    it.each([
      [
        'is signed by another key',
        () => attach('signed:2', undefined, other.privateKey),
        /none of it is signed by own.pub/,
      ],
      ['is not signed', () => attach('unsigned:1'), /none of it is signed by own.pub/],
      ['is about another image', () => attach('moved:1', 'c'.repeat(64), own.privateKey), /is about other images/],
    ])('ends with 1 when what hangs on the image %s', async (_what, make_, words) => {
      const key = await keyFile('own.pub', own.publicKey);
      const ran = await plinth(['inspect', 'provenance', await make_(), '--plain-http', '--key', key]);
      expect(ran).toMatchObject({ exit: 1, out: '' });
      expect(ran.err).toMatch(words);
    });

    it('ends with 3 when there is none, and with 2 for a file that is no key', async () => {
      expect((await plinth(['inspect', 'provenance', app, '--plain-http'])).exit).toBe(3);
      await writeFile(join(dir.path, 'no.pub'), 'nothing');
      const ran = await plinth(['inspect', 'provenance', app, '--plain-http', '--key', 'no.pub']);
      expect(ran.exit).toBe(2);
      expect(ran.err).toContain('--key no.pub: It is no public key');
    });
  });

  it('why ends with 1 when nothing says it, and with 0 for a candidate whose layers show it', async () => {
    await make.image('plain:1', { layers: ['p', 'q'] });
    await make.image('under:1', { layers: ['p'] });
    const image = `${registry.host}/plain:1`;
    const ran = await plinth(['why', image, '--plain-http', '--candidate', base]);
    expect(ran.exit).toBe(1);
    expect(ran.out).toContain(
      "No annotation and no label says what it stands on, and none of the candidates' layers are its first ones.",
    );
    const found = await plinth([
      'why',
      image,
      '--plain-http',
      '--candidate',
      base,
      '--candidate',
      `${registry.host}/under:1`,
    ]);
    expect(found).toMatchObject({
      exit: 0,
      out: expect.stringContaining('as its layers show; 1 layer of it is from there'),
    });
  });

  it.each([
    { line: ['why', 'HOST/none:1', '--plain-http'], exit: 3, err: /none:1.*\nNext: check the name/s },
    { line: ['why', 'HOST/app:1', '--plain-http', '--platform', 'linux/s390x'], exit: 3, err: /offers: linux\/amd64/ },
    { line: ['why', 'HOST/app:1'], exit: 1, err: /Next: .*--plain-http/ },
    { line: ['why', 'Not/A:Name:x', '--no-server'], exit: 2, err: /"Not\/A:Name:x" is not an image reference/ },
    { line: ['why', 'app:1', '--no-server', '--candidate', '::'], exit: 2, err: /--candidate: "::" is not an image/ },
    {
      line: ['why', 'app:1', '--no-server', '--platform', 'beos'],
      exit: 2,
      err: /--platform .*expected a platform like/,
    },
    { line: ['why', 'app:1', '--no-server', '--allow-registry', 'http://x'], exit: 2, err: /expected a host such as/ },
    { line: ['why', 'app', '--no-server', '--kind', 'task'], exit: 2, err: /knows images but no task/ },
    { line: ['why', 'app:1', '--server', 'http://127.0.0.1:9'], exit: 1, err: /Next: .*add --no-server/ },
    {
      line: ['why', 'app:1', '--server', 'http://127.0.0.1:9', '--candidate', 'x'],
      exit: 2,
      err: /Next: add --no-server/,
    },
  ])('$line ends with $exit and a message that says what to do', async ({ line, exit, err }) => {
    const ran = await plinth(line.map((word) => word.replace('HOST', registry.host)));
    expect(ran).toMatchObject({ exit, out: '' });
    expect(ran.err).toMatch(err);
    expect(ran.err).not.toMatch(/\n\s+at /);
  });

  it("why logs in with Docker's config.json, and says so when it must", async () => {
    await new ImageMaker(client, closed.host).image('app:1', { layers: ['x'] });
    const image = `${closed.host}/app:1`;
    const refused = await plinth(['why', image, '--plain-http']);
    expect(refused.exit).toBe(4);
    expect(refused.err).toContain(`Next: log in with docker login ${closed.host}`);
    const { username, password } = testLogin;
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    await using login = await tempDir('login');
    await writeFile(join(login.path, 'config.json'), JSON.stringify({ auths: { [closed.host]: { auth } } }));
    const ran = await plinth(['why', image, '--plain-http'], { env: { DOCKER_CONFIG: login.path } });
    expect(ran).toMatchObject({ exit: 1, out: expect.stringMatching(/unless it was squashed/) });
    expect(ran.out + ran.err).not.toContain(auth);
  });

  it('why reads a base at a private address only when its registry is allowed', async () => {
    await make.image('away:1', { layers: ['x', 'y'], annotations: standsOn(`${closed.host}/app:1`) });
    const ran = await plinth(['why', `${registry.host}/away:1`, '--plain-http']);
    expect(ran).toMatchObject({ exit: 1, err: expect.stringContaining('Next: --allow-registry HOST') });
    const line = ['why', `${registry.host}/away:1`, '--plain-http', '--allow-registry', closed.host];
    expect((await plinth(line)).out).toMatch(/cannot be read: .*(401|log|auth)/i);
  });

  it('inspect dockerfile lists images with their roles, as JSON and as a table', async () => {
    const file = [
      'ARG V=1',
      `FROM ${registry.host}/base:$V AS build`,
      'FROM scratch AS out',
      'COPY --from=build /x /x',
      `COPY --from=${registry.host}/plain:1@${before} /y /y`,
    ].join('\n');
    await writeFile(join(dir.path, 'Dockerfile'), file);
    const ran = await plinth([
      'inspect',
      'dockerfile',
      '--allow-registry',
      registry.host,
      '--plain-http',
      '-o',
      'json',
    ]);
    expect(ran).toMatchObject({ exit: 0, err: '' });
    expect(JSON.parse(ran.out)).toEqual([
      {
        reference: base,
        role: 'build',
        via: 'direct',
        stage: 'build',
        line: 2,
        platforms: ['linux/amd64'],
        pinned: false,
      },
      {
        reference: `${registry.host}/plain:1@${before}`,
        role: 'copy',
        via: 'direct',
        stage: 'out',
        line: 5,
        platforms: ['linux/amd64'],
        pinned: true,
      },
    ]);
    const args = ['--offline', '--build-arg', 'V=2', '--platform', 'linux/arm64', '--target', 'build'];
    const table = await plinth(['inspect', 'dockerfile', '-f', '-', ...args], { stdin: file });
    expect(table.out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['REFERENCE', 'ROLE', 'VIA', 'STAGE', 'LINE', 'PLATFORMS', 'PINNED'],
      [`${registry.host}/base:2`, 'base', 'direct', 'build', '2', 'linux/arm64', 'no'],
      [''],
    ]);
    expect(table.err).toMatch(/^Not known: .*ONBUILD/);
  });

  it('inspect dockerfile follows what named contexts and triggers of a base bring in', async () => {
    await make.image('onbuild:1', { layers: ['o'], onBuild: ['COPY --from=alpine:3.20 /etc /etc'] });
    const file = `FROM ${registry.host}/onbuild:1\nRUN --mount=from=certs,target=/c true\n`;
    const line = ['inspect', 'dockerfile', '-f', '-', '-o', 'json', '--build-context', 'certs=docker-image://busybox'];
    const ran = await plinth([...line, '--allow-registry', registry.host, '--plain-http'], { stdin: file });
    expect(ran.exit).toBe(0);
    expect(
      (JSON.parse(ran.out) as { reference: string; role: string; via: string }[]).map((one) => [
        one.reference,
        one.role,
        one.via,
      ]),
    ).toEqual(
      expect.arrayContaining([
        [`${registry.host}/onbuild:1`, 'base', 'direct'],
        ['docker.io/library/alpine:3.20', 'copy', 'onbuild'],
        ['docker.io/library/busybox:latest', 'mount', 'context'],
      ]),
    );
  });

  it.each([
    {
      line: ['-f', 'missing'],
      stdin: '',
      exit: 2,
      err: /missing cannot be read \(ENOENT\).*\nNext: name a Dockerfile/s,
    },
    { line: ['-f', '-', '--offline'], stdin: 'ARG X\nFROM $X\n', exit: 2, err: /line 2: .*pass the build argument X/ },
    { line: ['-f', '-', '--offline'], stdin: 'FROM Bad/Name\n', exit: 2, err: /line 1/ },
    { line: ['-f', '-', '--build-arg', 'X'], stdin: '', exit: 2, err: /--build-arg .*expected NAME=VALUE/ },
    { line: ['-f', '-', '--target', 'no', '--offline'], stdin: 'FROM a AS b\n', exit: 2, err: /no stage "no".*are b/s },
    {
      line: ['-f', '-'],
      stdin: 'FROM 127.0.0.1:9/x\n',
      exit: 1,
      err: /Next: --allow-registry 127.0.0.1:9 .*--offline/,
    },
    { line: ['-f', '-', '--plain-http'], stdin: 'FROM HOST/none\n', exit: 3, err: /Next: check the name.*--offline/ },
  ])('inspect dockerfile $line of $stdin ends with $exit', async ({ line, stdin, exit, err }) => {
    const allowed = stdin.includes('HOST') ? ['--allow-registry', registry.host] : [];
    const ran = await plinth(['inspect', 'dockerfile', ...line, ...allowed], {
      stdin: stdin.replace('HOST', registry.host),
    });
    expect(ran).toMatchObject({ exit, out: '' });
    expect(ran.err).toMatch(err);
  });
});
