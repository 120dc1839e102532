/** Base images of the demo: busybox and a token, pushed by plain HTTP as any other client would. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pack } from 'tar-stream';

const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };
const architecture = architectures[process.arch] ?? process.arch;
/** Platform of this machine: RUN steps run on it. */
export const platform = `linux/${architecture}`;

export const newToken = (): string => randomBytes(8).toString('hex');

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const mtime = new Date(0);

interface Entry {
  readonly name: string;
  readonly content?: Buffer | string;
  readonly linkname?: string;
  readonly mode?: number;
}

/** A tar of these entries, without anything that changes from one time to the next. */
export const tarOf = async (entries: readonly Entry[]): Promise<Buffer> => {
  const tar = pack();
  for (const { name, content, linkname, mode } of entries) {
    if (linkname !== undefined) tar.entry({ name, type: 'symlink', linkname, mtime });
    else if (content === undefined) tar.entry({ name, type: 'directory', mode: mode ?? 0o755, mtime });
    else tar.entry({ name, mode: mode ?? 0o644, mtime }, content as string);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

const busyboxLayer = async (busybox: string): Promise<Buffer> =>
  tarOf([
    { name: 'bin/' },
    { name: 'bin/busybox', content: await readFile(busybox), mode: 0o755 },
    ...['sh', 'cat', 'mkdir'].map((applet) => ({ name: `bin/${applet}`, linkname: 'busybox' })),
    { name: 'proc/' },
    { name: 'tmp/', mode: 0o1777 },
  ]);

export interface PushedBase {
  readonly digest: string;
  /** When the manifest was sent, in milliseconds since the epoch: from then on the tag can be seen to move. */
  readonly at: number;
}

/** Makes base images of one busybox, which has to be statically linked. */
export class BaseImages {
  private constructor(private readonly busybox: Buffer) {}

  static async of(busybox: string): Promise<BaseImages> {
    return new BaseImages(await busyboxLayer(busybox));
  }

  /** Pushes an image that carries the token in /token. */
  async push(host: string, repository: string, tag: string, token: string): Promise<PushedBase> {
    const layers = [this.busybox, await tarOf([{ name: 'token', content: `${token}\n` }])];
    const config = json({
      os: 'linux',
      architecture,
      created: new Date().toISOString(),
      config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'] },
      rootfs: { type: 'layers', diff_ids: layers.map(sha256) },
      history: layers.map(() => ({ created_by: 'demo' })),
    });
    for (const blob of [...layers, config]) await putBlob(host, repository, blob);
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = json({
      schemaVersion: 2,
      mediaType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(config), size: config.length },
      layers: layers.map((layer) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: sha256(layer),
        size: layer.length,
      })),
    });
    const at = Date.now();
    const url = `http://${host}/v2/${repository}/manifests/${tag}`;
    const body = new Uint8Array(manifest);
    await expectStatus(await fetch(url, { method: 'PUT', body, headers: { 'content-type': mediaType } }), 201);
    return { digest: sha256(manifest), at };
  }
}

const putBlob = async (host: string, repository: string, bytes: Buffer): Promise<void> => {
  const blob = `http://${host}/v2/${repository}/blobs`;
  if ((await fetch(`${blob}/${sha256(bytes)}`, { method: 'HEAD' })).ok) return;
  const opened = await expectStatus(await fetch(`${blob}/uploads/`, { method: 'POST' }), 202);
  const location = new URL(opened.headers.get('location') ?? '', `http://${host}`);
  location.searchParams.set('digest', sha256(bytes));
  await expectStatus(await fetch(location, { method: 'PUT', body: new Uint8Array(bytes) }), 201);
};

const expectStatus = async (response: Response, status: number): Promise<Response> => {
  if (response.status === status) return response;
  throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
};
