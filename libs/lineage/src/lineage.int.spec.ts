import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatReference, parseReference, RegistryClient, type RequestRecord } from '#libs/oci';
import { startRegistry, type TestRegistry } from '../../oci/src/testing/registry.js';
import { reply, startScriptedRegistry } from '../../oci/src/testing/scripted-registry.js';
import { lineageOf, type LineageOptions } from './lineage.js';
import type { Lineage } from './result.js';
import { ImageMaker, standsOn } from './testing/images.js';
import { explainLineage } from './words.js';

/** Of one platform: status, then each link as `name state proof layers`, then how it ends. */
const summary = ({ platforms }: Lineage): string[][] =>
  platforms.map(({ status, chain, end }) => [
    status,
    ...chain.map(
      ({ reference, state, proof, layers }) =>
        `${reference.slice(reference.indexOf('/') + 1)} ${state} ${proof} ${layers}`,
    ),
    end.code,
  ]);

describe('the lineage of an image in a registry', () => {
  let registry: TestRegistry;
  let client: RegistryClient;
  let make: ImageMaker;
  const requests: RequestRecord[] = [];
  const name = (image: string): string => `${registry.host}/${image}`;
  const lineage = (image: string, options?: LineageOptions): Promise<Lineage> =>
    lineageOf(client, make.reference(image), options);

  beforeAll(async () => {
    registry = await startRegistry();
    client = new RegistryClient({
      hosts: [{ registry: registry.host, scheme: 'http' }],
      onRequest: (record) => requests.push(record),
    });
    make = new ImageMaker(client, registry.host);
  });
  afterAll(async () => {
    await client?.close();
    await registry?.stop();
  });

  it('goes down a chain of three by annotations, each proven by its layers', async () => {
    const root = await make.image('chain/root:1', { layers: ['r'], created: '2026-01-01T10:00:00Z' });
    const middle = await make.image('chain/middle:1', {
      layers: ['r', 'm1', 'm2'],
      created: '2026-02-01T10:00:00Z',
      annotations: standsOn(name('chain/root:1'), root.digest),
    });
    const app = await make.image('chain/app:1', {
      layers: ['r', 'm1', 'm2', 'a'],
      created: '2026-03-01T10:00:00Z',
      annotations: standsOn(name('chain/middle:1'), middle.digest),
    });
    const found = await lineage('chain/app:1');
    expect(found).toMatchObject({ image: name('chain/app:1'), digest: app.digest, status: 'Current' });
    const [platform] = found.platforms;
    expect(platform).toMatchObject({
      platform: 'linux/amd64',
      digest: app.digest,
      created: '2026-03-01T10:00:00.000Z',
      chain: [
        {
          reference: name('chain/middle:1'),
          source: 'Manifest',
          proof: 'Prefix',
          layers: 3,
          manifest: middle.digest,
          created: '2026-02-01T10:00:00.000Z',
          state: 'Current',
          notes: [],
        },
        { reference: name('chain/root:1'), layers: 1, manifest: root.digest, state: 'Current' },
      ],
      end: { code: 'Unnamed', text: expect.stringMatching(/one layer: nothing is under it, unless it was squashed/) },
    });
    expect(platform?.layers.map(({ of }) => of?.slice(name('').length) ?? null)).toEqual([
      'chain/root:1',
      'chain/middle:1',
      'chain/middle:1',
      null,
    ]);
  });

  it('says what moved, from what to what and since when, at the base and further down', async () => {
    const root = await make.image('moved/root:1', { layers: ['r'] });
    const middle = await make.image('moved/middle:1', {
      layers: ['r', 'm'],
      annotations: standsOn(name('moved/root:1'), root.digest),
    });
    await make.image('moved/app:1', {
      layers: ['r', 'm', 'a'],
      created: '2026-03-01T10:00:00Z',
      annotations: standsOn(name('moved/middle:1'), middle.digest),
    });
    const newRoot = await make.image('moved/root:1', { layers: ['r2'], created: '2026-04-01T10:00:00Z' });
    const behind = await lineage('moved/app:1');
    expect(summary(behind)).toEqual([
      ['Behind', 'moved/middle:1 Current Prefix 2', 'moved/root:1 Moved Prefix 1', 'Unnamed'],
    ]);
    expect(behind.platforms[0]?.chain[1]).toMatchObject({
      state: 'Moved',
      manifest: root.digest,
      now: { manifest: newRoot.digest, created: '2026-04-01T10:00:00.000Z', layers: 1 },
    });

    const newMiddle = await make.image('moved/middle:1', {
      layers: ['r2', 'm'],
      created: '2026-05-01T10:00:00Z',
      annotations: standsOn(name('moved/root:1'), newRoot.digest),
    });
    const stale = await lineage('moved/app:1');
    expect(stale.status).toBe('Stale');
    const short = (digest: string): string => digest.slice(7, 19);
    const [explained] = explainLineage(stale);
    expect(explained?.sentences).toEqual([
      `${name('moved/app:1')} is stale: ${name('moved/middle:1')} moved.`,
      `${name('moved/app:1')} was built on 2026-03-01 at 10:00 UTC and has 3 layers.`,
      `${name('moved/app:1')} stands on ${name('moved/middle:1')} (${short(middle.digest)}), by its annotations, and its layers show it; 2 layers of it are from there.`,
      `${name('moved/middle:1')} moved ${short(middle.digest)} → ${short(newMiddle.digest)}, built on 2026-05-01 at 10:00 UTC.`,
      `${name('moved/middle:1')} stands on ${name('moved/root:1')} (${short(root.digest)}), by its annotations, and its layers show it; 1 layer of it is from there.`,
      `${name('moved/root:1')} moved ${short(root.digest)} → ${short(newRoot.digest)}, built on 2026-04-01 at 10:00 UTC.`,
      `Under ${name('moved/root:1')}: no annotation and no label says what it stands on. It has one layer: nothing is under it, unless it was squashed.`,
    ]);
  });

  it('answers for each platform on its own: only those whose base moved are stale', async () => {
    const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7'] as const;
    const base = await make.index('multi/base:1', {
      images: platforms.map((platform) => ({ platform, layers: [`b ${platform}`] })),
    });
    await make.index('multi/app:1', {
      images: platforms.map((platform) => ({ platform, layers: [`b ${platform}`, 'app'] })),
      annotations: standsOn(name('multi/base:1'), base.digest),
    });
    expect((await lineage('multi/app:1')).status).toBe('Current');
    // Another index, with another image for one platform, and none for another.
    await make.index('multi/base:1', {
      images: [
        { platform: 'linux/amd64', layers: ['b linux/amd64'] },
        { platform: 'linux/arm64', layers: ['new'] },
      ],
    });
    const found = await lineage('multi/app:1');
    expect(found.platforms.map(({ platform, status }) => [platform, status])).toEqual([
      ['linux/amd64', 'Current'],
      ['linux/arm64', 'Stale'],
      ['linux/arm/v7', 'Unknown'],
    ]);
    expect(found.status).toBe('Stale');
    expect(found.platforms[2]?.chain[0]?.notes).toEqual([
      `${name('multi/base:1')} is not there for this platform; it offers: linux/amd64, linux/arm64.`,
    ]);
    expect((await lineage('multi/app:1', { platforms: ['linux/x86_64'] })).platforms).toMatchObject([
      { platform: 'linux/amd64', status: 'Current' },
    ]);
    await expect(lineage('multi/app:1', { platforms: ['linux/s390x'] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `${name('multi/app:1')} has no image for linux/s390x; it offers: linux/amd64, linux/arm64, linux/arm/v7`,
    });
  });

  it('reads annotations of the descriptor, and labels; a manifest digest does as well as that of the index', async () => {
    const base = await make.index('places/base:1', { images: [{ layers: ['b'] }] });
    await make.index('places/descriptor:1', {
      images: [{ layers: ['b', 'x'], descriptorAnnotations: standsOn(name('places/base:1'), base.manifests[0]) }],
    });
    await make.image('places/label:1', { layers: ['b', 'y'], labels: standsOn(name('places/base:1'), base.digest) });
    expect((await lineage('places/descriptor:1')).platforms[0]?.chain[0]).toMatchObject({
      source: 'Descriptor',
      state: 'Current',
    });
    expect((await lineage('places/label:1')).platforms[0]?.chain[0]).toMatchObject({
      source: 'Label',
      state: 'Current',
      notes: ['Labels are inherited: this may be an image further down.'],
    });
  });

  it('takes the digest of one platform in an annotation of the whole index for that platform alone', async () => {
    const platforms = ['linux/amd64', 'linux/arm64'] as const;
    const both = (text: string) => ({
      images: platforms.map((platform) => ({ platform, layers: [`${text} ${platform}`] })),
    });
    const base = await make.index('one/base:1', both('b'));
    await make.index('one/app:1', {
      images: platforms.map((platform) => ({ platform, layers: [`b ${platform}`, 'app'] })),
      annotations: standsOn(name('one/base:1'), base.manifests[0]),
    });
    await make.index('one/squashed:1', {
      images: platforms.map((platform) => ({ platform, layers: [`all ${platform}`] })),
      annotations: standsOn(name('one/base:1'), base.manifests[0]),
    });
    const statuses = async (image: string) => (await lineage(image)).platforms.map(({ status }) => status);
    expect(await statuses('one/app:1')).toEqual(['Current', 'Current']);
    expect(await statuses('one/squashed:1')).toEqual(['Current', 'Unknown']);
    // A build for arm64 may stand on an image for amd64, if its layers show it.
    await make.index('one/crossed:1', {
      images: [{ platform: 'linux/arm64', layers: ['b linux/amd64', 'app'] }],
      annotations: standsOn(name('one/base:1'), base.manifests[0]),
    });
    expect((await lineage('one/crossed:1')).platforms[0]?.chain[0]).toMatchObject({ proof: 'Prefix', layers: 1 });
    // The tag names a single image by now: it moved for one platform, and is not there for the other.
    await make.image('one/base:1', { platform: 'linux/amd64', layers: ['new'] });
    expect(await statuses('one/app:1')).toEqual(['Stale', 'Unknown']);
  });

  it('finds the base among the images that BuildKit says it used, by its layers', async () => {
    const base = await make.image('built/base:1', { layers: ['b1', 'b2'] });
    const tool = await make.image('built/tool:1', { layers: ['t'] });
    const material = (image: string, digest: string) => ({
      uri: `pkg:docker/${registry.host.replace(':', '%3A')}/built/${image}@1?platform=linux%2Famd64`,
      digest: { sha256: digest.slice(7) },
    });
    await make.index('built/app:1', {
      images: [{ layers: ['b1', 'b2', 'app'] }],
      provenance: {
        predicateType: 'https://slsa.dev/provenance/v0.2',
        predicate: { materials: [material('tool', tool.digest), material('base', base.digest)] },
      },
    });
    await make.image('built/base:1', { layers: ['b1', 'new'] });
    const found = await lineage('built/app:1');
    expect(found.platforms).toHaveLength(1);
    expect(found.platforms[0]).toMatchObject({
      status: 'Stale',
      chain: [{ reference: name('built/base:1'), source: 'Provenance', proof: 'Prefix', layers: 2, state: 'Moved' }],
    });
  });

  it('tries candidates by their layers when nothing is said, and takes the nearest; compression does not matter', async () => {
    await make.image('guess/root:1', { layers: ['r'.repeat(500)], level: 9 });
    await make.image('guess/near:1', { layers: ['r'.repeat(500), 'n'] });
    await make.image('guess/other:1', { layers: ['o'] });
    await make.image('guess/app:1', { layers: ['r'.repeat(500), 'n', 'a'], level: 1 });
    const candidates = ['guess/other:1', 'guess/root:1', 'guess/near:1'].map((one) => make.reference(one));
    expect(summary(await lineage('guess/app:1', { candidates }))).toEqual([
      ['Current', 'guess/near:1 Current Prefix 2', 'guess/root:1 Current Prefix 1', 'Unnamed'],
    ]);
    const [asked] = candidates;
    const { status, platforms } = await lineage('guess/app:1', { candidates: asked ? [asked] : [] });
    expect(status).toBe('Unknown');
    expect(platforms[0]?.end).toEqual({
      code: 'Unnamed',
      text: "No annotation and no label says what it stands on, and none of the candidates' layers are its first ones.",
    });
    expect((await lineage('guess/app:1')).platforms[0]?.end.text).toBe(
      'No annotation and no label says what it stands on. Name what it may stand on (--candidate), to have the layers compared.',
    );
  });

  it('compares a candidate that names an earlier image of its tag', async () => {
    const before = await make.image('earlier/base:1', { layers: ['b1', 'b2'] });
    await make.image('earlier/app:1', { layers: ['b1', 'b2', 'a'] });
    await make.image('earlier/base:1', { layers: ['b1', 'new'] });
    const then = parseReference(`${name('earlier/base:1')}@${before.digest}`);
    expect((await lineage('earlier/app:1', { candidates: [then] })).status).toBe('Stale');
    const { platforms } = await lineage('earlier/app:1', { candidates: [make.reference('earlier/base:1')] });
    expect(platforms[0]).toMatchObject({
      status: 'Unknown',
      end: { text: expect.stringContaining(`It shares its first 1 with ${name('earlier/base:1')}`) },
    });
  });

  it('believes the annotation of a squashed image, and says that its layers cannot show it', async () => {
    const base = await make.image('squashed/base:1', { layers: ['b1', 'b2'] });
    await make.image('squashed/app:1', {
      layers: ['all in one'],
      annotations: standsOn(name('squashed/base:1'), base.digest),
    });
    const current = await lineage('squashed/app:1');
    expect(current.platforms[0]).toMatchObject({
      status: 'Current',
      layers: [{ of: null }],
      chain: [
        { proof: 'NoPrefix', layers: null, notes: [expect.stringMatching(/it was squashed, or its annotations/)] },
      ],
    });
    await make.image('squashed/base:1', { layers: ['b1', 'new'] });
    expect((await lineage('squashed/app:1')).status).toBe('Stale');
  });

  it('says when the base vanished: its digest, its tag, or both', async () => {
    const base = await make.image('gone/base:1', { layers: ['b'] });
    const annotated = { layers: ['b', 'a'], annotations: standsOn(name('gone/base:1'), base.digest) };
    await make.image('gone/app:1', annotated);
    // A rebuilt base of the same layers: what the image stood on can be gone, and the image be current.
    await make.image('gone/base:1', { layers: ['b'], labels: { again: 'yes' } });
    await client.deleteManifest({ ...make.reference('gone/base:1'), digest: base.digest });
    expect((await lineage('gone/app:1')).platforms[0]).toMatchObject({
      status: 'Current',
      chain: [
        { state: 'Current', manifest: null, notes: [expect.stringMatching(/by layers alone/), expect.anything()] },
      ],
    });
    const { digest } = await make.image('gone/base:1', { layers: ['new'] });
    expect((await lineage('gone/app:1')).platforms[0]).toMatchObject({ status: 'Stale', end: { code: 'Unseen' } });
    await client.deleteManifest({ ...make.reference('gone/base:1'), digest });
    expect((await lineage('gone/app:1')).platforms[0]).toMatchObject({
      status: 'Unknown',
      chain: [{ state: 'Gone', proof: 'Unseen', now: null }],
      end: { code: 'Unseen' },
    });
    await expect(lineage('gone/base:1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('does not follow lying annotations in circles', async () => {
    await make.image('circle/a:1', { layers: ['x'], annotations: standsOn(name('circle/b:1')) });
    await make.image('circle/b:1', { layers: ['x'], labels: { b: '1' }, annotations: standsOn(name('circle/a:1')) });
    await make.image('circle/self:1', { layers: ['y'], annotations: standsOn(name('circle/self:1')) });
    expect((await lineage('circle/a:1')).platforms[0]).toMatchObject({
      chain: [{ reference: name('circle/b:1') }, { reference: name('circle/a:1') }],
      end: { code: 'Loop' },
    });
    expect((await lineage('circle/self:1')).platforms[0]).toMatchObject({ chain: [{}], end: { code: 'Loop' } });
  });

  it('stops at a depth, and at what may be read', async () => {
    // An image that is built on its own tag, again and again: a chain without a circle.
    let annotations: Record<string, string> | undefined;
    for (let at = 0; at < 6; at++) {
      const labels = { generation: String(at) };
      const { digest } = await make.image('deep/own:1', { layers: ['x'], labels, ...(annotations && { annotations }) });
      annotations = standsOn(name('deep/own:1'), digest);
    }
    const all = await lineage('deep/own:1');
    expect(all.platforms[0]).toMatchObject({ status: 'Stale', end: { code: 'Unnamed' } });
    expect(all.platforms[0]?.chain).toHaveLength(5);
    const cut = await lineage('deep/own:1', { limits: { depth: 3 } });
    expect(cut.platforms[0]?.chain).toHaveLength(3);
    expect(cut.platforms[0]?.end).toEqual({
      code: 'Limit',
      text: 'What is under it was not followed further than 3 images.',
    });
    const before = requests.length;
    const { platforms } = await lineage('deep/own:1', { limits: { reads: 6 } });
    expect(platforms[0]?.chain.at(-1)?.notes.join(' ')).toMatch(/was not read, as 6 manifests or \d+ bytes have been/);
    expect(requests.length - before).toBe(6);
    await expect(lineage('deep/own:1', { limits: { bytes: 10 } })).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  it('connects to no private address because an annotation names it', async () => {
    await using lure = await startScriptedRegistry((_, response) => reply(response, 200, {}, '{}'));
    await make.image('lure/app:1', {
      layers: ['a'],
      annotations: standsOn(`${lure.host}/internal/api:1`, `sha256:${'a'.repeat(64)}`),
    });
    const { platforms } = await lineage('lure/app:1');
    expect(platforms[0]?.chain[0]).toMatchObject({
      state: 'Unknown',
      notes: [expect.stringMatching(/is not a public address/), expect.stringMatching(/is not a public address/)],
    });
    expect(lure.connections).toBe(0);
  });

  it('knows an image that says it stands on scratch, and keeps a pinned one current', async () => {
    await make.image('ends/scratch:1', { layers: ['s'], annotations: standsOn('scratch') });
    expect(summary(await lineage('ends/scratch:1'))).toEqual([['Current', 'Scratch']]);
    const base = await make.image('ends/base:1', { layers: ['b'] });
    const pinned = `${name('ends/base:1')}@${base.digest}`;
    await make.image('ends/pinned:1', { layers: ['b', 'p'], annotations: standsOn(pinned, base.digest) });
    await make.image('ends/base:1', { layers: ['new'] });
    expect((await lineage('ends/pinned:1')).platforms[0]).toMatchObject({
      status: 'Current',
      chain: [{ state: 'Pinned', notes: [`The tag of ${name('ends/base:1')} names another image by now.`] }],
    });
  });

  it('asks for each tag and each digest once, so that all platforms are judged by the same moment', async () => {
    const asked: string[] = [];
    const counted = {
      getManifest: (...[reference, options]: Parameters<typeof client.getManifest>) => {
        asked.push(formatReference(reference));
        return client.getManifest(reference, options);
      },
      getBlobBytes: client.getBlobBytes.bind(client),
      resolve: client.resolve.bind(client),
    };
    await lineageOf(counted, make.reference('multi/app:1'));
    expect(asked.filter((one) => !one.includes('@'))).toEqual([name('multi/app:1'), name('multi/base:1')]);
    expect(asked).toHaveLength(new Set(asked).size);
  });
});
