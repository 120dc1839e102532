import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';
import { cliOf } from '../support/run-cli.js';

const indexType = 'application/vnd.oci.image.index.v1+json';

describe('adoption policies', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let base: string;

  const ok = async (...args: string[]): Promise<string> => {
    const { exit, stdout, stderr } = await cliOf(plinth)(args);
    if (exit !== 0) throw new Error(`plinth ${args.join(' ')} ended with ${exit}: ${stdout}${stderr}`);
    return stdout;
  };
  const seen = () => plinth.feed.events.length;
  const image = async (reference = base) => {
    const { images } = await plinth.client.listImages(
      { reference },
      { position: plinth.feed.events.at(-1)?.position ?? 0 },
    );
    return images[0]!;
  };
  const rebuiltOn = async (digest: string, after: number) => {
    await plinth.until('run.succeeded', (run) => run.task === 'app' && run.inputs[0]?.digest === digest, after);
    await plinth.state('app', 'Fresh');
  };
  const heldWith = (code: string, digest: string, after: number) =>
    plinth.until('tag.held', (data) => data.code === code && data.candidate.digest === digest, after);
  /** Puts an index behind a tag, whose children are manifests of the repository by platform. */
  const pushIndex = async (repository: string, tag: string, children: Readonly<Record<string, string>>) => {
    const manifests = await Promise.all(
      Object.entries(children).map(async ([platform, digest]) => {
        const url = `http://${registry.host}/v2/${repository}/manifests/${digest}`;
        const found = await fetch(url, { headers: { accept: 'application/vnd.oci.image.manifest.v1+json' } });
        const [os, architecture] = platform.split('/');
        const size = (await found.arrayBuffer()).byteLength;
        return { mediaType: found.headers.get('content-type'), digest, size, platform: { os, architecture } };
      }),
    );
    const put = await fetch(`http://${registry.host}/v2/${repository}/manifests/${tag}`, {
      method: 'PUT',
      body: JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }),
      headers: { 'content-type': indexType },
    });
    if (put.status !== 201) throw new Error(await put.text());
    return put.headers.get('docker-content-digest')!;
  };

  beforeAll(async () => {
    [plinth, registry] = await Promise.all([Plinth.start(), startRegistry()]);
    base = `${registry.host}/base:1`;
    await registry.push('base', '1', 'first');
    const poll = { intervalSeconds: 1 };
    await plinth.client.createRegistry({ host: registry.host, scheme: 'http', kind: 'Distribution', poll });
    await plinth.task('app', { files: `FROM ${base}\nCOPY Dockerfile /app\n`, image: `${registry.host}/app:1` });
    await plinth.watching('app');
    await plinth.build('app');
    await plinth.state('app', 'Fresh');
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
  });

  it('a person holds an image, and what stands on it stays as it is until it is released', async () => {
    const after = seen();
    await ok('image', 'hold', base, '--reason', 'the release first');
    const second = await registry.push('base', '1', 'second');
    await heldWith('HeldByHand', second, after);
    expect(await image()).toMatchObject({
      held: { digest: second, reason: expect.stringMatching(/holds the image: the release first$/) },
      heldByHand: { reason: 'the release first' },
      candidates: [{ digest: second, code: 'HeldByHand', adoptAt: null }],
    });
    expect(await ok('image', 'show', base)).toMatch(
      /Waiting:\s+sha256:\S+, seen .*, not by itself: .*the release first/,
    );
    expect(await ok('image', 'list')).toMatch(/Held/);
    expect(plinth.seen('run.queued', after)).toEqual([]);
    await plinth.task('site', { files: `FROM ${registry.host}/app:1\n`, image: `${registry.host}/site:1` });
    await plinth.watching('site');
    await plinth.build('site');
    const from = seen();
    await ok('image', 'release', base, '--urgent', '--reason', 'looked at it');
    await rebuiltOn(second, after);
    // What is built for it is as urgent, on every level.
    await plinth.until('run.queued', ({ task }) => task === 'site', from);
    const queued = plinth.seen('run.queued', from).map(({ data: { task, priority } }) => [task, priority]);
    expect(queued).toEqual([
      ['app', 'UrgentBase'],
      ['site', 'UrgentBase'],
    ]);
    await plinth.state('site', 'Fresh');
    await ok('task', 'delete', 'site', '--yes');
    const { data } = await plinth.until('tag.released', () => true, after);
    expect(data).toMatchObject({ reason: 'looked at it', digest: second, by: expect.any(String) });
  });

  it('a pin keeps dependants on a digest whatever the tag names, until it is taken away', async () => {
    const after = seen();
    await ok('image', 'pin', base, '--reason', 'known good');
    const third = await registry.push('base', '1', 'third');
    await heldWith('Pinned', third, after);
    expect(plinth.seen('run.queued', after)).toEqual([]);
    expect(await ok('image', 'unpin', base, '--reason', 'go on')).toContain(third);
    await rebuiltOn(third, after);
    const refused = await cliOf(plinth)(['image', 'unpin', base, '--reason', 'again']);
    expect(refused).toMatchObject({ exit: 5, stderr: expect.stringContaining('is not pinned') });
  });

  it('a rollback makes what was built on the digest stale, and rebuilds it on the one before', async () => {
    const after = seen();
    const { adopted, adoptedBefore } = await image();
    await ok('image', 'rollback', base, '--reason', 'broke the app');
    await rebuiltOn(adoptedBefore[0]!, after);
    // The tag names the other one still, and is looked at; it is not adopted again.
    await plinth.client.lookAtImage({ reference: base });
    expect(await image()).toMatchObject({
      current: { digest: adopted?.digest },
      adopted: { digest: adoptedBefore[0] },
      candidates: [{ digest: adopted?.digest, code: 'RolledBack' }],
    });
    const fixed = await registry.push('base', '1', 'fixed');
    await rebuiltOn(fixed, after);
  });

  it('a minimum age is waited for, also by a Plinth that was killed meanwhile and lost its databases', async () => {
    const made = await ok('policy', 'create', 'bases', '--match', `${registry.host}/base`, '--minimum-age', '4s');
    expect(made).toMatch(/Minimum age:\s+4s/);
    expect((await image()).policy).toBe('bases');
    const before = seen();
    const next = await registry.push('base', '1', 'aged');
    const held = await heldWith('MinimumAge', next, before);
    await plinth.kill();
    await plinth.forgetProjections();
    // Nobody looks any more: what is adopted is adopted by its age alone.
    await registry.stop();
    await plinth.start();
    const { data, time } = await plinth.until('tag.adopted', ({ to }) => to.digest === next);
    expect(data).toMatchObject({ policy: 'bases' });
    expect(Date.parse(time) - Date.parse(held.time)).toBeGreaterThanOrEqual(3900);
    await registry.start();
    await rebuiltOn(next, 0);
  });

  it('a policy that is deleted holds nothing any more', async () => {
    await ok('policy', 'update', 'bases', '--hold', '--no-minimum-age');
    const after = seen();
    const next = await registry.push('base', '1', 'held by policy');
    await heldWith('HeldByPolicy', next, after);
    await ok('policy', 'delete', 'bases', '--yes');
    await rebuiltOn(next, after);
    expect(await ok('policy', 'list')).toBe('');
    expect(await ok('status')).toMatch(/Policy:\s+preset acr/);
  });

  it('two policies that would tie are refused, with the field that is wrong', async () => {
    await plinth.client.createPolicy({ name: 'one', match: [`${registry.host}/a*`] });
    const tie = await cliOf(plinth)(['policy', 'create', 'two', '--match', `${registry.host}/*a*`]);
    expect(tie).toMatchObject({ exit: 5, stderr: expect.stringMatching(/match\[0\].*of the policy one/s) });
    const shape = await cliOf(plinth)(['policy', 'create', 'two', '--match', 'node:*']);
    expect(shape).toMatchObject({ exit: 2, stderr: expect.stringMatching(/docker\.io\/library\/node:\*/) });
  });

  it('an index that is published piece by piece is adopted once, and a platform that is gone is told', async () => {
    const reference = `${registry.host}/multi:1`;
    const [amd, arm, amd2, arm2] = await Promise.all(
      ['amd', 'arm', 'amd2', 'arm2'].map((word) => registry.push('multi', word, word)),
    );
    const whole = await pushIndex('multi', '1', { 'linux/amd64': amd!, 'linux/arm64': arm! });
    await plinth.task('multi', {
      files: `FROM ${reference}\nCOPY Dockerfile /app\n`,
      image: `${registry.host}/multi-app:1`,
      platforms: ['linux/amd64', 'linux/arm64'],
    });
    await plinth.until('tag.adopted', ({ to }) => to.digest === whole);
    const after = seen();
    const empty = await pushIndex('multi', '1', {});
    await heldWith('PlatformMissing', empty, after);
    expect((await image(reference)).missingPlatforms).toEqual(['linux/amd64', 'linux/arm64']);
    const metrics = await (await fetch(`${plinth.url}/metrics`)).text();
    expect(metrics).toMatch(/plinth_images_held\{reason="PlatformMissing".*\} 1/);
    const half = await pushIndex('multi', '1', { 'linux/amd64': amd2! });
    await heldWith('Settling', half, after);
    const all = await pushIndex('multi', '1', { 'linux/amd64': amd2!, 'linux/arm64': arm2! });
    await plinth.until('tag.adopted', ({ to }) => to.digest === all, after);
    const adoptions = plinth.seen('tag.adopted', after).filter(({ data }) => data.reference === reference);
    expect(adoptions).toHaveLength(1);
    // A platform that nobody builds comes: nothing is stale.
    const more = await pushIndex('multi', '1', { 'linux/amd64': amd2!, 'linux/arm64': arm2!, 'linux/s390x': arm! });
    await plinth.until('tag.adopted', ({ to }) => to.digest === more, after);
    expect((await image(reference)).candidates).toEqual([]);
  });

  it('an image that no policy allows is not built on, not even the first time', async () => {
    const reference = `${registry.host}/other:1`;
    await registry.push('other', '1', 'not ours');
    await ok('policy', 'create', 'strict', '--match', reference, '--allow', base);
    await plinth.task('strict', {
      files: `FROM ${reference}\nCOPY Dockerfile /app\n`,
      image: `${registry.host}/strict:1`,
    });
    await plinth.until('tag.held', (data) => data.reference === reference && data.code === 'NotAllowed');
    const { runId } = await plinth.client.runTask({ name: 'strict' });
    expect(await plinth.ended(runId)).toMatchObject({
      type: 'run.failed',
      data: { code: 'ACCESS_DENIED', reason: expect.stringMatching(/The policy strict does not allow/) },
    });
  });

  it('a tag that is a range follows the highest version, and what stands on it is rebuilt', async () => {
    const range = `${registry.host}/ver:22.x`;
    await ok('policy', 'create', 'versions', '--match', `${registry.host}/ver`, '--follow-versions');
    await registry.push('ver', '23.0.0', 'another major version');
    const old = await registry.push('ver', '22.9.0', 'old');
    await plinth.task('ranged', { files: `FROM ${range}\nCOPY Dockerfile /app\n`, image: `${registry.host}/ranged:1` });
    await plinth.until('tag.adopted', ({ reference, to }) => reference === range && to.digest === old);
    await plinth.build('ranged');
    const after = seen();
    const next = await registry.push('ver', '22.10.0', 'new');
    const { data } = await plinth.until('run.succeeded', ({ task }) => task === 'ranged', after);
    expect(data.inputs).toMatchObject([{ reference: range, digest: next }]);
    expect((await image(range)).adopted).toMatchObject({ digest: next, tag: '22.10.0' });
    expect(await ok('image', 'show', range)).toMatch(/Version:\s+22\.10\.0/);
  });

  it('a tag that vanished is told, and its return', async () => {
    const after = seen();
    const digest = (await registry.digestOf('base', '1'))!;
    await fetch(`http://${registry.host}/v2/base/manifests/${digest}`, { method: 'DELETE' });
    await plinth.until('tag.vanished', ({ reference }) => reference === base, after);
    expect(await image()).toMatchObject({ current: null, vanishedAt: expect.any(String), adopted: { digest } });
    expect(await ok('image', 'show', base)).toMatch(/Gone since/);
    const back = await registry.push('base', '1', 'back');
    await rebuiltOn(back, after);
    expect((await image()).vanishedAt).toBeNull();
  });
});
