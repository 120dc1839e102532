import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '#libs/oci';
import type { BuildOutcome, BuildRequest, BuiltImage, Engine, EngineCheck } from '../engines/engine.js';

type Script = (request: BuildRequest) => BuildOutcome | Promise<BuildOutcome>;

/** An engine that does what a test says; by default it makes an image of its pins and arguments. */
export class ScriptedEngine implements Engine {
  readonly name = 'scripted';
  readonly isolation = 'oci';
  readonly features = new Set<never>();
  readonly requests: BuildRequest[] = [];
  cleanups = 0;
  ok: EngineCheck = { ok: true, version: '1' };
  script: Script = (request) => writeImage(request, JSON.stringify([request.pins, request.buildArgs]));

  check(): Promise<EngineCheck> {
    return Promise.resolve(this.ok);
  }

  async build(request: BuildRequest): Promise<BuildOutcome> {
    this.requests.push(request);
    return this.script(request);
  }

  cleanup(): Promise<void> {
    this.cleanups++;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Waits until it is stopped, as a build does that takes long. */
export const untilStopped: Script = ({ signal }) =>
  new Promise((resolve) => {
    const done = (): void => resolve({ kind: 'canceled' });
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });

const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const ociIndex = 'application/vnd.oci.image.index.v1+json';

/** A real OCI image layout: one image per platform, an index where there are several. */
export const writeImage = async ({ outputDir, platforms }: BuildRequest, content: string): Promise<BuiltImage> => {
  const blobs = join(outputDir, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const blob = async (bytes: Buffer) => {
    const digest = digestOf(bytes);
    await writeFile(join(blobs, digest.slice('sha256:'.length)), bytes);
    return { digest, size: bytes.length };
  };
  const json = (value: unknown) => blob(Buffer.from(JSON.stringify(value)));
  const children = [];
  for (const platform of platforms) {
    const [os, architecture] = platform.split('/');
    const layer = await blob(Buffer.from(`${content} ${platform}`));
    const config = await json({ os, architecture, rootfs: { type: 'layers', diff_ids: [layer.digest] } });
    const manifest = await json({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }],
    });
    children.push({ mediaType: ociManifest, ...manifest, platform: { os, architecture } });
  }
  const [only] = children;
  if (!only) throw new Error('A build has at least one platform.');
  const root =
    children.length === 1
      ? only
      : { mediaType: ociIndex, ...(await json({ schemaVersion: 2, mediaType: ociIndex, manifests: children })) };
  const { digest, size, mediaType } = root;
  return { kind: 'built', layoutDir: outputDir, digest, size, mediaType, platforms: [] };
};
