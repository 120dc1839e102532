/** Reads files out of images, by HTTP and tar. */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';

interface Manifest {
  readonly manifests?: readonly { readonly digest: string; readonly platform?: { readonly os: string } }[];
  readonly layers?: readonly { readonly digest: string }[];
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

export class ImageReader {
  /** What a digest holds never changes. */
  readonly #known = new Map<string, Readonly<Record<string, string>>>();

  constructor(private readonly host: string) {}

  /** Digest that a tag is at; undefined when there is no such tag. */
  async head(repository: string, tag: string): Promise<string | undefined> {
    const url = `http://${this.host}/v2/${repository}/manifests/${tag}`;
    const response = await fetch(url, { method: 'HEAD', headers: { accept: manifestTypes } });
    return response.ok ? (response.headers.get('docker-content-digest') ?? undefined) : undefined;
  }

  /** The text of these files in an image, without white space around it; files that are not there are left out. */
  async files(repository: string, digest: string, paths: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const key = `${repository}@${digest}`;
    const known = this.#known.get(key);
    if (known) return known;
    const found = new Map<string, string>();
    const { layers = [] } = await this.#manifest(repository, digest);
    for (const layer of layers) {
      await applyLayer(await this.#get(repository, 'blobs', layer.digest), paths, found);
    }
    const files = Object.fromEntries([...found].map(([path, text]) => [path, text.trim()]));
    this.#known.set(key, files);
    return files;
  }

  async #manifest(repository: string, digest: string): Promise<Manifest> {
    const manifest = JSON.parse((await this.#get(repository, 'manifests', digest)).toString('utf8')) as Manifest;
    const child = manifest.manifests?.find(({ platform }) => platform?.os !== 'unknown');
    return child ? this.#manifest(repository, child.digest) : manifest;
  }

  async #get(repository: string, kind: 'manifests' | 'blobs', digest: string): Promise<Buffer> {
    const url = `http://${this.host}/v2/${repository}/${kind}/${digest}`;
    const response = await fetch(url, { headers: { accept: kind === 'manifests' ? manifestTypes : '*/*' } });
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` === digest) return bytes;
    throw new Error(`${url} has another content than its digest says.`);
  }
}

/** OCI image-spec, layer.md: later layers replace files, `.wh.` files remove them. */
const applyLayer = async (bytes: Buffer, paths: readonly string[], files: Map<string, string>): Promise<void> => {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const tar = Readable.from([isGzip ? gunzipSync(bytes) : bytes]).pipe(extract());
  for await (const entry of tar) {
    const path = posix.join('/', entry.header.name);
    const { dir, base } = posix.parse(path);
    if (base.startsWith('.wh.')) files.delete(posix.join(dir, base.slice('.wh.'.length)));
    else if (paths.includes(path) && entry.header.type === 'file') {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      files.set(path, Buffer.concat(chunks).toString('utf8'));
    }
    entry.resume();
  }
};
