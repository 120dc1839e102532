import { generateKeyPairSync } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryDefinitionSchema, type PushedImage } from '#libs/contracts';
import { parseDigest, parseReference, RegistryClient, type ImageManifest } from '#libs/oci';
import { isSealedBy, type Envelope, type ProvenanceStatement } from '#libs/provenance';
import { tempDir, type TempDir } from '#libs/testing';
import type { BuilderDeps } from './builder.service.js';
import { DockerBuildxEngine, ManagedDockerd } from './engines/index.js';
import { hostPlatform, startRegistry, type TestRegistry } from './engines/testing/registry.js';
import { useUnpackedTools } from './engines/testing/tools.js';
import { imageRegistry } from './publish/registry-adapter.js';
import { bench, definitionOf, type Bench } from './testing/bench.js';

const baseName = 'org.opencontainers.image.base.name';
const baseDigest = 'org.opencontainers.image.base.digest';

/** A builder with a real registry and a real engine; the log alone is in memory. */
describe('a builder with Docker and a registry', () => {
  let dir: TempDir;
  let registry: TestRegistry;
  let client: RegistryClient;
  let b: Bench;
  const key = generateKeyPairSync('ed25519');

  beforeAll(async () => {
    useUnpackedTools();
    dir = await tempDir('builder-int');
    registry = await startRegistry();
    client = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'http' }] });
    const engine = new DockerBuildxEngine({
      workDir: join(dir.path, 'jobs'),
      daemon: new ManagedDockerd({ dir: join(dir.path, 'dockerd') }),
    });
    const deps: Partial<BuilderDeps> = {
      engine,
      imageRegistry: imageRegistry(() => client),
      registries: {
        client,
        definitionOf: (host) => registryDefinitionSchema.parse({ host, scheme: 'http' }),
        credentialsOf: () => Promise.resolve(undefined),
        mirrored: () => undefined,
      },
    };
    const baseLayers = { dir: join(dir.path, 'layers'), maxBytes: 1e9 };
    b = await bench({ buildPlatform: hostPlatform, signingKey: 'provenance', baseLayers }, deps);
    b.secrets.set('provenance', String(key.privateKey.export({ type: 'pkcs8', format: 'pem' })));
  });
  afterAll(async () => {
    await b[Symbol.asyncDispose]();
    await client.close();
    await registry.stop();
    await dir.remove();
  });

  const build = async (run: string, dockerfile: string, imageNames: string[]) => {
    b.dockerfile = dockerfile;
    const definition = definitionOf({ imageNames }, { platforms: [hostPlatform] });
    await b.queue(run, { definition });
    const delivery = await b.deliver(run);
    expect(delivery.settled).toBe('ack');
    return b.last(run, 'run.succeeded').catch((error: unknown) => {
      throw new Error(b.logs.text, { cause: error });
    });
  };
  const digestOfPlatform = ({ outputs }: { readonly outputs: readonly PushedImage[] }) =>
    parseDigest(Object.values(outputs[0]?.platforms ?? {})[0] ?? '');
  const annotationsOf = async (reference: string): Promise<unknown> => {
    const { manifest } = await client.getManifest(parseReference(reference));
    return manifest.annotations ?? {};
  };

  it('builds an image from nothing and moves its tags', async () => {
    const tags = [`${registry.host}/team/scratch:1`, `${registry.host}/team/scratch:{{.Run.ID}}`];
    const { outputs, inputs } = await build('r1', 'FROM scratch\nCOPY Dockerfile /\n', tags);
    expect(inputs).toEqual([]);
    expect(outputs.map(({ reference }) => reference)).toEqual([
      `${registry.host}/team/scratch:1`,
      `${registry.host}/team/scratch:r1`,
    ]);
    for (const { reference, digest } of outputs) {
      expect((await client.headManifest(parseReference(reference)))?.digest).toBe(digest);
      expect(await annotationsOf(reference)).not.toHaveProperty([baseName]);
    }
  });

  it('builds on a base, names it on the image, and says that nothing changed when it builds again', async () => {
    const base = `${registry.host}/team/base:1`;
    const index = await registry.pushBase('team/base', '1', 'one');
    const app = `${registry.host}/team/app:1`;
    const dockerfile = `FROM ${base}\nCOPY Dockerfile /app\nRUN cat /version\n`;
    const first = await build('r2', dockerfile, [app]);
    expect(first.inputs).toMatchObject([{ reference: base, role: 'base', digest: index }]);
    expect(first.unchanged).toBe(false);
    expect(await annotationsOf(app)).toMatchObject({ [baseName]: base, [baseDigest]: index });

    // The engine has nothing to hand over of this base from here on, and makes the same image.
    const { manifest } = await client.getManifest({ ...parseReference(app), digest: digestOfPlatform(first) });
    const [ofBase] = (manifest as ImageManifest).layers;
    const shelf = join(dir.path, 'layers', index.slice('sha256:'.length));
    expect(await readdir(shelf)).toEqual([`${ofBase?.digest.slice('sha256:'.length)}.${ofBase?.size}`]);
    expect((await build('r3', dockerfile, [app])).unchanged).toBe(true);

    await registry.pushBase('team/base', '1', 'two');
    const second = await build('r4', dockerfile, [app]);
    expect(second.unchanged).toBe(false);
    expect(second.outputs[0]?.digest).not.toBe(first.outputs[0]?.digest);
    expect((await client.headManifest(parseReference(app)))?.digest).toBe(second.outputs[0]?.digest);
  });

  it('hangs a signed statement on the image, which anybody finds by its digest', async () => {
    const base = `${registry.host}/team/base:1`;
    const index = await registry.pushBase('team/base', '1', 'one');
    const reference = `${registry.host}/team/attested:1`;
    const { outputs } = await build('r-attested', `FROM ${base}\nCOPY Dockerfile /app\n`, [reference]);
    const digest = parseDigest(outputs[0]?.digest ?? '');
    const at = { registry: registry.host, repository: 'team/attested' };
    const [found, ...others] = await client.referrers(at, digest);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ artifactType: 'application/vnd.dsse.envelope.v1+json' });
    const { manifest } = await client.getManifest({ ...at, digest: parseDigest(found?.digest ?? '') });
    const [layer] = (manifest as ImageManifest).layers;
    const bytes = await client.getBlobBytes(at, parseDigest(layer?.digest ?? ''), 1_000_000);
    const envelope = JSON.parse(Buffer.from(bytes).toString()) as Envelope;
    expect(isSealedBy(envelope, key.publicKey)).toBe(true);
    const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as ProvenanceStatement;
    expect(statement.subject).toContainEqual({
      name: `${registry.host}/team/attested`,
      digest: { sha256: digest.slice('sha256:'.length) },
    });
    expect(statement.predicate.buildDefinition.resolvedDependencies).toContainEqual(
      expect.objectContaining({ name: base, digest: { sha256: index.slice('sha256:'.length) } }),
    );
  });

  it('fails in the words of the step that failed', async () => {
    b.dockerfile = `FROM ${registry.host}/team/base:1\nRUN echo about to fail && exit 3\n`;
    await b.queue('r5', { definition: definitionOf({ imageNames: [] }, { platforms: [hostPlatform] }) });
    await b.deliver('r5');
    const { code, reason } = await b.last('r5', 'run.failed');
    expect(code).toBe('STEP_FAILED');
    expect(reason).toContain('exit code 3');
    expect(b.logs.text).toContain('about to fail');
  });
});
