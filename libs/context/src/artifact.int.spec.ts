import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, mediaTypes, parseReference, RegistryClient } from '#libs/oci';
import { startRegistry, testLogin, type TestRegistry } from '../../oci/src/testing/registry.js';
import { parseContextPath } from './context-path.js';
import { openContext, type OpenedContext, type OpenOptions } from './open.js';
import { tarGzOf } from './testing/tar.js';

describe('a context in a registry', () => {
  let registry: TestRegistry;
  let client: RegistryClient;
  let workDir: string;

  beforeAll(async () => {
    registry = await startRegistry({ auth: 'basic' });
    client = new RegistryClient({
      hosts: [{ registry: registry.host, scheme: 'http', credentials: () => Promise.resolve(testLogin) }],
      retries: 0,
    });
  });
  afterAll(async () => {
    await client.close();
    await registry.stop();
  });
  beforeEach(async () => {
    workDir = await mkdtemp(join(tmpdir(), 'context-artifact-'));
  });
  afterEach(() => rm(workDir, { recursive: true, force: true }));

  /** Pushes an artifact of these layers; answers the digest of its manifest. */
  const push = async (name: string, layers: readonly Buffer[]): Promise<string> => {
    const reference = parseReference(`${registry.host}/${name}`);
    const config = Buffer.from('{}');
    const described = (bytes: Buffer, mediaType: string) => ({
      mediaType,
      digest: digestOf(bytes),
      size: bytes.length,
    });
    for (const blob of [config, ...layers]) {
      await client.uploadBlob(reference, { digest: digestOf(blob), size: blob.length }, () => blob);
    }
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      artifactType: 'application/vnd.example.source',
      config: described(config, mediaTypes.ociEmpty),
      layers: layers.map((layer) => described(layer, 'application/vnd.example.content.v1.tar+gzip')),
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    await client.putManifest(reference, mediaTypes.ociManifest, bytes);
    return digestOf(bytes);
  };
  const archive = (text: string) => tarGzOf([{ name: 'Dockerfile', content: text }]);
  const open = (name: string, options: Partial<OpenOptions> = {}): Promise<OpenedContext> =>
    openContext(parseContextPath(`oci://${registry.host}/${name}`), {
      archive: () => Promise.reject(new Error('none')),
      registry: client,
      workDir,
      ...options,
    });
  const text = async ({ dir }: OpenedContext) => readFile(join(dir, 'Dockerfile'), 'utf8');

  it('is unpacked, and its revision is the digest of its manifest', async () => {
    const digest = await push('app/source:1', [await archive('FROM a\n')]);
    const context = await open('app/source:1');
    expect(context.revision).toBe(digest);
    expect(await text(context)).toBe('FROM a\n');
    await context.close();
    expect(await readdir(workDir)).toEqual([]);
  });

  it('is read again as it was, after its tag has moved, by revision and by digest', async () => {
    const before = await push('app/moves:1', [await archive('FROM a\n')]);
    await push('app/moves:1', [await archive('FROM b\n')]);
    expect(await text(await open('app/moves:1'))).toBe('FROM b\n');
    expect(await text(await open('app/moves:1', { revision: before }))).toBe('FROM a\n');
    expect(await text(await open(`app/moves@${before}`))).toBe('FROM a\n');
    const gone = `sha256:${'0'.repeat(64)}`;
    await expect(open('app/moves:1', { revision: gone })).rejects.toMatchObject({ code: 'REVISION_GONE' });
  });

  it('is refused in words when it is none, and nothing of it is left', async () => {
    await push('app/two:1', [await archive('FROM a\n'), await archive('FROM b\n')]);
    await push('app/text:1', [Buffer.from('no archive')]);
    await push('app/large:1', [await archive('FROM a\n'.repeat(1000))]);
    const anonymous = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'http' }], retries: 0 });
    try {
      for (const [name, options, expected] of [
        ['app/none:1', {}, { code: 'NOT_FOUND', message: /There is no artifact .*app\/none:1/ }],
        ['app/two:1', {}, { code: 'INVALID', message: /has 2 layers, where a context has one/ }],
        ['app/text:1', {}, { code: 'INVALID', message: /./ }],
        ['app/large:1', { limits: { compressedBytes: 20 } }, { code: 'TOO_LARGE', message: /larger than/ }],
        [
          'app/two:1',
          { registry: anonymous },
          { code: 'ACCESS_DENIED', message: /register its registry with a login/ },
        ],
        ['app/two:1', { accessToken: 'x' }, { code: 'INVALID', message: /take contextAccessToken out/ }],
      ] as const) {
        const error = await open(name, options).catch((reason: unknown) => reason as Error);
        expect(error).toMatchObject({ name: 'ContextError', code: expected.code });
        expect((error as Error).message).toMatch(expected.message);
        expect(await readdir(workDir)).toEqual([]);
      }
    } finally {
      await anonymous.close();
    }
  });
});
