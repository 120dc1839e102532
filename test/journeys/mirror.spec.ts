import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';
import { cliOf } from '../support/run-cli.js';

const node = 'docker.io/library/node:22';

describe('images of another registry that a mirror has', () => {
  let plinth: Plinth;
  let upstream: JourneyRegistry;
  let mirror: JourneyRegistry;
  let mirrored: string;
  let newest: string;

  const image = async (reference: string) => (await plinth.client.listImages({ reference })).images[0];

  beforeAll(async () => {
    [plinth, upstream, mirror] = await Promise.all([Plinth.start(), startRegistry(), startRegistry()]);
    newest = await upstream.push('library/node', '22', 'the newest');
    mirrored = await mirror.push('library/node', '22', 'what the mirror has');
    await plinth.client.createRegistry({
      host: 'docker.io',
      scheme: 'http',
      endpoint: upstream.host,
      poll: { intervalSeconds: 1 },
    });
    await cliOf(plinth)(`registry add ${mirror.host} --scheme http --mirror-of docker.io/library`.split(' '));
    await plinth.task('app', { files: 'FROM node:22\nCOPY Dockerfile /app\n', image: `${mirror.host}/app:1` });
    await plinth.watching('app');
    await plinth.build('app');
  });
  afterAll(async () => {
    await plinth?.close();
    await Promise.all([upstream?.close(), mirror?.close()]);
  });

  it('are followed at the mirror, built from there, and shown under both names', async () => {
    expect(await image(node)).toMatchObject({
      reference: node,
      adopted: { digest: mirrored },
      mirror: { reference: `${mirror.host}/library/node:22` },
    });
    expect(await image(`${mirror.host}/library/node:22`)).toEqual(await image(node));
    // Nobody pulled from the registry that is mirrored; how far the mirror lags is known by HEAD.
    expect(upstream.journal()).not.toContain('GET /v2/library/node/blobs');
    expect(upstream.journal()).not.toContain('GET /v2/library/node/manifests');
    expect(mirror.journal()).toContain('GET /v2/library/node/blobs');
  });

  it('say how far the mirror lags behind its registry', async () => {
    await expect.poll(async () => (await image(node))?.mirror?.upstreamDigest, { timeout: 20_000 }).toBe(newest);
    expect((await image(node))?.mirror?.behindSince).not.toBeNull();
    const shown = await cliOf(plinth)(['image', 'show', node]);
    expect(shown.stdout).toMatch(new RegExp(`Mirror: +${mirror.host}/library/node:22\n`));
    expect(shown.stdout).toContain('the mirror is behind since');
  });

  it('move when the mirror moves, and then the mirror is not known to lag', async () => {
    const seen = plinth.feed.events.length;
    const digest = await mirror.push('library/node', '22', 'something newer');
    const { data } = await plinth.until('tag.adopted', ({ reference }) => reference === node, seen);
    expect(data.to.digest).toBe(digest);
    await plinth.until('wave.closed', ({ built }) => built === 1, seen);
    expect((await image(node))?.mirror?.behindSince).toBeNull();
  });

  it('are looked at at their own registry again when the mirror is one no more', async () => {
    const { exit } = await cliOf(plinth)(['registry', 'update', mirror.host, '--no-mirror-of']);
    expect(exit).toBe(0);
    expect((await image(node))?.mirror).toBeNull();
    expect(await image(`${mirror.host}/library/node:22`)).toBeUndefined();
  });

  it.each([
    [['--mirror-of', 'Docker Hub'], 'mirrorOf'],
    [['--mirror-of', 'SELF/library'], 'expected another registry than this one'],
    [['--mirror-path', 'library'], 'expected together with mirrorOf'],
  ])('are refused when it is not clear what is mirrored: %j', async (options, words) => {
    const line = ['registry', 'update', mirror.host, ...options.map((one) => one.replace('SELF', mirror.host))];
    const { exit, stderr } = await cliOf(plinth)(line);
    expect(exit).toBe(2);
    expect(stderr).toContain(words);
  });
});
