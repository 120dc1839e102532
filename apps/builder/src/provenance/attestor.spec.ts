import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RegistryError } from '#libs/oci';
import { isSealedBy, type Envelope, type ProvenanceStatement } from '#libs/provenance';
import { app, bench, definitionOf, node, type Bench } from '../testing/bench.js';

interface ReferrerManifest {
  readonly artifactType: string;
  readonly subject: { readonly digest: string; readonly size: number };
  readonly layers: readonly { readonly digest: string }[];
  readonly annotations: Readonly<Record<string, string>>;
}

const attached = (b: Bench, index = 0) => {
  const found = b.registry.attached[index];
  if (!found) throw new Error(`Only ${b.registry.attached.length} were attached.`);
  const manifest = JSON.parse(Buffer.from(found.manifest.bytes).toString()) as ReferrerManifest;
  const layer = found.blobs.find(({ digest }) => digest === manifest.layers[0]?.digest);
  return { ...found, manifest, content: Buffer.from(layer?.bytes ?? []).toString() };
};
const statement = (b: Bench, index = 0) => JSON.parse(attached(b, index).content) as ProvenanceStatement;

const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const moved = { type: 'BaseImageMoved', reference: node, position: 7, run: null, seenBy: 'Webhook' } as const;
const cause = { ...moved, from: `sha256:${'a'.repeat(64)}`, to: `sha256:${'b'.repeat(64)}` };

describe('provenance', () => {
  it('tells every input with its digest and role, the source revision, and the cause', async () => {
    await using b = await bench();
    const base = b.registry.image(node, 'base');
    const tools = b.registry.image('ghcr.io/acme/tools:1', 'tools');
    b.dockerfile = `FROM ${node}\nCOPY --from=ghcr.io/acme/tools:1 /t /t\n`;
    const adopted = { ...cause, adoptedAt: '2026-01-01T00:00:00Z' };
    await b.queue('r1', {
      causes: [adopted],
      definition: definitionOf({ contextPath: 'https://git.test/app.git#main:web', target: undefined }),
    });
    await b.deliver('r1');
    const { outputs } = await b.last('r1', 'run.succeeded');
    const { _type, subject, predicateType, predicate } = statement(b);
    expect([_type, predicateType]).toEqual(['https://in-toto.io/Statement/v1', 'https://slsa.dev/provenance/v1']);
    expect(subject[0]).toEqual({
      name: 'registry.test/team/app',
      digest: { sha256: outputs[0]?.digest.slice('sha256:'.length) },
    });
    const { buildType, internalParameters, externalParameters, resolvedDependencies } = predicate.buildDefinition;
    expect(buildType).toBe('https://plinth.dev/build/v1');
    expect(externalParameters).toMatchObject({ source: 'git+https://git.test/app.git@main#web', images: [app] });
    expect(internalParameters).toMatchObject({ causes: [adopted], isolation: 'oci', task: 'app' });
    const role = (name: string) => resolvedDependencies.find((one) => one.name === name);
    expect(resolvedDependencies).toHaveLength(3);
    expect(role('source')).toMatchObject({
      uri: 'git+https://git.test/app.git@main#web',
      digest: { gitCommit: 'c0ffee' },
    });
    expect(role(node)).toMatchObject({
      uri: `pkg:oci/node@${encodeURIComponent(base.digest)}?repository_url=docker.io/library/node&tag=22`,
      digest: { sha256: base.digest.slice(7) },
      annotations: { role: 'base', via: 'direct', platforms: base.platforms },
    });
    expect(role('ghcr.io/acme/tools:1')).toMatchObject({
      digest: { sha256: tools.digest.slice(7) },
      annotations: { role: 'copy' },
    });
    expect(predicate.runDetails).toMatchObject({
      builder: { id: 'urn:plinth:pool:default' },
      metadata: { invocationId: 'r1/1' },
    });
  });

  it('hangs on the image in each of its repositories, before any tag moves', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    const imageNames = [app, 'other.test/app:1', 'other.test/app:2'];
    await b.queue('r1', { definition: definitionOf({ imageNames }) });
    let atBuilt = 0;
    b.atPoint = (name) => {
      if (name === 'builder.built') atBuilt = b.registry.attached.length;
    };
    await b.deliver('r1');
    const { outputs } = await b.last('r1', 'run.succeeded');
    expect(b.registry.attached.map(({ repository }) => repository)).toEqual([
      'registry.test/team/app',
      'other.test/app',
    ]);
    expect(atBuilt).toBe(2);
    expect(attached(b).manifest).toMatchObject({
      artifactType: 'application/vnd.in-toto+json',
      subject: { digest: outputs[0]?.digest },
      annotations: { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v1' },
    });
  });

  it('is of an image that was put back as well', async () => {
    await using b = await bench();
    const base = b.registry.image(node, 'base');
    await b.adopt(node, base);
    const { digest, platforms } = base;
    const offer = { offer: 1, sourceRevision: 'c0ffee', pins: [{ reference: node, digest, platforms }] };
    for (const run of ['r1', 'r2']) {
      await b.queue(run, offer);
      await b.deliver(run);
    }
    expect(b.engine.requests).toHaveLength(1);
    const [built, restored] = [statement(b, 0), statement(b, 1)];
    expect(restored.predicate.buildDefinition.buildType).toBe('https://plinth.dev/restore/v1');
    expect(restored.subject).toEqual(built.subject);
    expect(restored.predicate.buildDefinition.resolvedDependencies).toEqual(
      built.predicate.buildDefinition.resolvedDependencies,
    );
  });

  it('names secret arguments, and has no value of one, wherever it stands', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    const secret = 'hunter2-hunter2';
    b.secrets.set('npm', secret);
    const definition = definitionOf({
      arguments: [
        { name: 'VERSION', value: '7', isSecret: false },
        { name: 'TOKEN', isSecret: true, secretRef: 'npm' },
        // Somebody put it where it does not belong.
        { name: 'LEAK', value: `x${secret}x`, isSecret: false },
      ],
    });
    await b.queue('r1', { definition });
    await b.deliver('r1');
    const { externalParameters } = statement(b).predicate.buildDefinition;
    expect(externalParameters).toMatchObject({
      arguments: { VERSION: '7', LEAK: 'x•••x' },
      secretArguments: ['TOKEN'],
    });
    expect(attached(b).content).not.toContain(secret);
  });

  it('is signed when there is a key, over the whole statement', async () => {
    const key = createPublicKey(pem);
    await using b = await bench({ signingKey: 'provenance' });
    b.secrets.set('provenance', pem);
    b.registry.image(node, 'base');
    await b.queue('r1');
    await b.deliver('r1');
    const { manifest, content } = attached(b);
    expect(manifest.artifactType).toBe('application/vnd.dsse.envelope.v1+json');
    const envelope = JSON.parse(content) as Envelope;
    expect(envelope.payloadType).toBe('application/vnd.in-toto+json');
    expect(isSealedBy(envelope, key)).toBe(true);
    expect(JSON.parse(Buffer.from(envelope.payload, 'base64').toString())).toMatchObject({
      predicateType: 'https://slsa.dev/provenance/v1',
    });
    expect(b.logs.text).toContain('signed');
  });

  it('that cannot be signed keeps the image back, and says so', async () => {
    await using b = await bench({ signingKey: 'provenance' });
    b.secrets.set('provenance', 'not a key');
    b.registry.image(node, 'base');
    await b.queue('r1');
    await b.deliver('r1');
    expect(await b.last('r1', 'run.errored')).toMatchObject({
      reason: expect.stringMatching(/PLINTH_SIGNING_KEY \(provenance\): It is no private key: expected the PEM/),
    });
    expect(b.registry.tags.has(app)).toBe(false);
  });

  it.each([
    ['goes out without it', 'attach', 'run.succeeded', 'The run goes on without it'],
    ['is not published when it is required', 'require', 'run.failed', 'PLINTH_PROVENANCE=require'],
  ] as const)('an image whose registry refuses it %s', async (_what, provenance, end, words) => {
    await using b = await bench({ provenance });
    b.registry.image(node, 'base');
    b.registry.beforeWrite = (write) => {
      if (write.startsWith('attach'))
        throw new RegistryError('REJECTED', 'manifest invalid', { registry: 'registry.test' });
    };
    await b.queue('r1');
    await b.deliver('r1');
    expect(await b.events('r1')).toContain(end);
    expect(b.logs.text).toContain(words);
    expect(b.registry.tags.has(app)).toBe(provenance === 'attach');
  });

  it('is not made when it is off', async () => {
    await using b = await bench({ provenance: 'off' });
    b.registry.image(node, 'base');
    await b.queue('r1');
    await b.deliver('r1');
    expect(await b.events('r1')).toContain('run.succeeded');
    expect(b.registry.attached).toEqual([]);
  });
});
