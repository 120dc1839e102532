/** Base images that hold nothing but their token, pushed by plain HTTP as any other client would. */
import { createHash } from 'node:crypto';
import { pack } from 'tar-stream';

const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };
const architecture = architectures[process.arch] ?? process.arch;
/** Platform of this machine. */
export const platform = `linux/${architecture}`;

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A tar of these files, without anything that changes from one time to the next. */
export const tarOf = async (files: Readonly<Record<string, string>>): Promise<Buffer> => {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mtime: new Date(0) }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** Pushes an image with the token in /token; answers its digest. */
export const pushBase = async (host: string, repository: string, tag: string, token: string): Promise<string> => {
  const layer = await tarOf({ token: `${token}\n` });
  const config = json({
    os: 'linux',
    architecture,
    config: {},
    rootfs: { type: 'layers', diff_ids: [sha256(layer)] },
    history: [{ created_by: 'a base' }],
  });
  for (const blob of [layer, config]) await putBlob(host, repository, blob);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = json({
    schemaVersion: 2,
    mediaType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(config), size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: sha256(layer), size: layer.length }],
  });
  const url = `http://${host}/v2/${repository}/manifests/${tag}`;
  const body = new Uint8Array(manifest);
  await expectStatus(await fetch(url, { method: 'PUT', body, headers: { 'content-type': mediaType } }), 201);
  return sha256(manifest);
};

const putBlob = async (host: string, repository: string, bytes: Buffer): Promise<void> => {
  const opened = await expectStatus(
    await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' }),
    202,
  );
  const location = new URL(opened.headers.get('location') ?? '', `http://${host}`);
  location.searchParams.set('digest', sha256(bytes));
  await expectStatus(await fetch(location, { method: 'PUT', body: new Uint8Array(bytes) }), 201);
};

const expectStatus = async (response: Response, status: number): Promise<Response> => {
  if (response.status === status) return response;
  throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
};
