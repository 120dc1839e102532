import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '#libs/oci';
import { finishLayout } from './layout.js';

describe('finishing an image layout', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'plinth-layout-'));
    await mkdir(join(dir, 'blobs', 'sha256'), { recursive: true });
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const put = async (value: object) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    await writeFile(join(dir, 'blobs', 'sha256', digest.slice(7)), bytes);
    return { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: bytes.length };
  };
  const image = async (architecture: string, command: string) =>
    put({
      schemaVersion: 2,
      config: await put({ os: 'linux', architecture, history: [{ created_by: command }] }),
      layers: [],
      annotations: { 'org.opencontainers.image.base.digest': 'sha256:of-a-local-copy' },
    });
  const names = (manifests: object[]) =>
    writeFile(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));

  it('makes one index of the images of several platforms', async () => {
    await names([await image('amd64', 'a'), await image('arm64', 'a')]);
    const built = await finishLayout(dir, { annotations: {}, redact: (text) => text, index: true });
    expect(built.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    expect(built.platforms.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64']);
  });

  it('leaves no blob that holds what was taken out', async () => {
    await names([await image('amd64', 'RUN secret')]);
    await finishLayout(dir, { annotations: { a: 'b' }, redact: (text) => text.replace('secret', '***') });
    expect(await readdir(join(dir, 'blobs', 'sha256'))).toHaveLength(2);
  });

  it('gives the same digest for the same image', async () => {
    const root = await image('amd64', 'RUN make');
    await names([{ ...root, annotations: { 'org.opencontainers.image.created': 'now' } }]);
    const finish = { annotations: { a: 'b' }, redact: (text: string) => text };
    const first = await finishLayout(dir, finish);
    expect((await finishLayout(dir, finish)).digest).toBe(first.digest);
  });

  it('refuses a layout of several unrelated images', async () => {
    await names([await image('amd64', 'a'), await image('arm64', 'a')]);
    await expect(finishLayout(dir, { annotations: {}, redact: (text) => text })).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
    });
  });
});
