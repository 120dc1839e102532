/** A real docker-registry on a free loopback port, and images for it, for engine tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pack, type Pack } from 'tar-stream';

export interface BaseOptions {
  /** Bytes of a second layer, for a base as large as most are. */
  readonly padding?: number;
  /** Its triggers. */
  readonly onBuild?: readonly string[];
}

export interface TestRegistry {
  /** `127.0.0.1:PORT`, also the address in references. */
  readonly host: string;
  /** Pushes a base image of busybox and one file `/version`; answers its manifest digest. */
  pushBase(repository: string, tag: string, version: string, more?: BaseOptions): Promise<string>;
  /** Ends it as a crash would; what it had answered is on disk. */
  kill(): Promise<void>;
  /** After `kill`: on the same address, with what is there. */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it on `address` (default 127.0.0.1). Rejects when docker-registry is missing or does not answer in 15 s. */
export async function startRegistry(address = '127.0.0.1'): Promise<TestRegistry> {
  const dir = await mkdtemp(join(tmpdir(), 'plinth-registry-'));
  const host = `${address}:${await freePort(address)}`;
  const config = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: join(dir, 'data') } },
    http: { addr: host },
    log: { level: 'error' },
  };
  await writeFile(join(dir, 'config.yml'), JSON.stringify(config));
  const start = async (): Promise<ChildProcess> => {
    const started = spawn('docker-registry', ['serve', join(dir, 'config.yml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let problem: string | undefined;
    started.stderr.on('data', () => undefined);
    started.once('error', (error) => (problem = `${error.message}: run "npm run tools" and test by "npm test"`));
    started.once('exit', (code) => (problem ??= `ended with exit code ${code}`));
    const deadline = performance.now() + 15_000;
    while (!(await answers(host))) {
      if (problem !== undefined) throw new Error(`docker-registry ${problem}`);
      if (performance.now() > deadline) throw new Error(`docker-registry did not answer on ${host} within 15 s`);
      await delay(30);
    }
    return started;
  };
  let child = await start();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  };
  return {
    host,
    pushBase: (repository, tag, version, more) => pushBase(host, repository, tag, version, more),
    kill: () => end('SIGKILL'),
    startAgain: async () => {
      child = await start();
    },
    stop: async () => {
      await end('SIGTERM');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const answers = (host: string): Promise<boolean> =>
  fetch(`http://${host}/v2/`).then(
    (response) => response.ok,
    () => false,
  );

async function freePort(address: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const found = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (found === null || typeof found === 'string') throw new Error('no free port');
  return found.port;
}

const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };
/** The platform of this machine, which is the one whose RUN steps can run. */
export const hostPlatform = `linux/${architectures[process.arch] ?? process.arch}`;

/** Diff ID of the only layer of a base of this version. */
export async function baseDiffId(version: string): Promise<string> {
  return sha256(await baseLayer(version));
}

async function pushBase(
  host: string,
  repository: string,
  tag: string,
  version: string,
  { padding = 0, onBuild = [] }: BaseOptions = {},
): Promise<string> {
  const layers = [await baseLayer(version)];
  // Not compressible, as the layers of real bases that are compressed already.
  if (padding > 0) layers.push(await tarOf('padding', randomBytes(padding)));
  const manifests: object[] = [];
  // One image for two platforms, both with this machine's program: COPY works for both, RUN for the machine's own.
  for (const architecture of ['amd64', 'arm64']) {
    const config = json({
      os: 'linux',
      architecture,
      config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'], ...(onBuild.length > 0 && { OnBuild: onBuild }) },
      rootfs: { type: 'layers', diff_ids: layers.map(sha256) },
      history: layers.map(() => ({ created: '2020-01-01T00:00:00Z', created_by: `base ${version}` })),
    });
    for (const blob of [...layers, config]) await putBlob(host, repository, blob);
    const manifest = json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(config), size: config.length },
      layers: layers.map((layer) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: sha256(layer),
        size: layer.length,
      })),
    });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    await putManifest(host, repository, sha256(manifest), mediaType, manifest);
    const platform = { os: 'linux', architecture };
    manifests.push({ mediaType, digest: sha256(manifest), size: manifest.length, platform });
  }
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const index = json({ schemaVersion: 2, mediaType, manifests });
  await putManifest(host, repository, tag, mediaType, index);
  return sha256(index);
}

async function baseLayer(version: string): Promise<Buffer> {
  const tar = pack();
  const mtime = new Date(0);
  tar.entry({ name: 'bin/', type: 'directory', mode: 0o755, mtime });
  tar.entry({ name: 'tmp/', type: 'directory', mode: 0o1777, mtime });
  tar.entry({ name: 'bin/busybox', mode: 0o755, mtime }, busybox());
  for (const applet of ['sh', 'cat', 'echo', 'sleep', 'ls', 'cp', 'grep', 'seq', 'true', 'env']) {
    tar.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox', mtime });
  }
  tar.entry({ name: 'version', mtime }, `${version}\n`);
  tar.finalize();
  return bytesOf(tar);
}

async function tarOf(name: string, content: Buffer): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name, mtime: new Date(0) }, content);
  tar.finalize();
  return bytesOf(tar);
}

async function bytesOf(tar: Pack): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function busybox(): Buffer {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, 'busybox');
    try {
      const bytes = readFileSync(file);
      // A dynamic program names its loader near its beginning; it cannot run alone in an image.
      if (!bytes.subarray(0, 4096).includes('ld-linux')) return bytes;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error('No static busybox on PATH: run "npm run tools" and test by "npm test".');
}

const json = (value: object) => Buffer.from(JSON.stringify(value));
const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function putBlob(host: string, repository: string, bytes: Buffer): Promise<void> {
  const opened = await expectStatus(
    await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' }),
    202,
  );
  const location = new URL(opened.headers.get('location') ?? '', `http://${host}`);
  location.searchParams.set('digest', sha256(bytes));
  await expectStatus(await fetch(location, { method: 'PUT', body: new Uint8Array(bytes) }), 201);
}

async function putManifest(host: string, repository: string, reference: string, mediaType: string, bytes: Buffer) {
  const url = `http://${host}/v2/${repository}/manifests/${reference}`;
  const body = new Uint8Array(bytes);
  await expectStatus(await fetch(url, { method: 'PUT', body, headers: { 'content-type': mediaType } }), 201);
}

async function expectStatus(response: Response, status: number): Promise<Response> {
  if (response.status !== status) {
    throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  }
  return response;
}
