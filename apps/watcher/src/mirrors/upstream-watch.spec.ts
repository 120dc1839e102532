import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '#libs/event-log';
import { formatReference, type Reference, type Repository } from '#libs/oci';
import { FakeClock } from '#libs/testing';
import { UpstreamWatch } from './upstream-watch.js';

const node = 'docker.io/library/node:22';
const quarterDay = 6 * 3_600_000;

describe('a mirror that is followed', () => {
  let clock: FakeClock;
  let references: string[];
  /** What each registry shows. */
  let upstream: Record<string, string | Error | undefined>;
  let mirror: Record<string, string | null>;
  let asked: string[];
  let watch: UpstreamWatch;

  beforeEach(() => {
    clock = new FakeClock('2026-01-01T00:00:00Z');
    [references, asked] = [[node], []];
    upstream = { [node]: 'sha256:new' };
    mirror = { [node]: 'sha256:old' };
    watch = new UpstreamWatch({
      registries: {
        client: {
          headManifest: (ref: Reference, options?: { upstream?: boolean }) => {
            if (!options?.upstream) return Promise.reject(new Error('The mirror was asked, not the registry.'));
            const name = formatReference(ref);
            asked.push(name);
            const shown = upstream[name];
            if (shown instanceof Error) return Promise.reject(shown);
            return Promise.resolve(shown === undefined ? undefined : ({ digest: shown } as never));
          },
        },
        isMirrored: (reference) => reference.startsWith('docker.io/'),
        mirrored: ({ registry, repository }: Repository) =>
          registry === 'docker.io' ? { registry: 'mirror.local', repository } : undefined,
      },
      references: () => references,
      digestOf: (reference) => mirror[reference] ?? null,
      clock,
      logger: silentLogger,
    });
    watch.start();
  });

  it('is shown under both names, with since when it is behind', async () => {
    expect(watch.view(node)).toMatchObject({ reference: 'mirror.local/library/node:22', upstreamLookAt: null });
    await clock.advance(1_000);
    expect(watch.view(node)).toEqual({
      reference: 'mirror.local/library/node:22',
      upstreamDigest: 'sha256:new',
      upstreamLookAt: '2026-01-01T00:00:01.000Z',
      behindSince: '2026-01-01T00:00:01.000Z',
      lastError: null,
    });
    expect(watch.view('quay.io/team/app:1')).toBeNull();
  });

  it('is compared four times a day, and is behind since the first time that it was', async () => {
    await clock.advance(2 * quarterDay);
    expect(asked.length).toBe(2);
    upstream[node] = 'sha256:newer';
    await clock.advance(quarterDay);
    expect(watch.view(node)).toMatchObject({
      upstreamDigest: 'sha256:newer',
      behindSince: '2026-01-01T00:00:01.000Z',
    });
    mirror[node] = 'sha256:newer';
    expect(watch.view(node)?.behindSince).toBeNull(); // it may have caught up
    await clock.advance(quarterDay);
    expect(watch.view(node)?.behindSince).toBeNull(); // it has
    upstream[node] = 'sha256:newest';
    await clock.advance(quarterDay);
    expect(watch.view(node)?.behindSince).toBe('2026-01-02T00:00:01.000Z');
  });

  it('costs its registry one request a second at most, and none for what nobody mirrors', async () => {
    references = Array.from({ length: 50 }, (_, index) => `docker.io/library/app:${index}`);
    for (const reference of references) [upstream[reference], mirror[reference]] = ['sha256:a', 'sha256:a'];
    references.push('quay.io/team/app:1', 'docker.io/library/never-seen:1');
    mirror['quay.io/team/app:1'] = 'sha256:a';
    await clock.advance(10_000);
    expect(asked).toHaveLength(10);
    await clock.advance(3_600_000);
    expect(asked.toSorted()).toEqual(references.slice(0, 50).toSorted());
  });

  it('says in the words of its registry why it cannot be compared, and keeps what was known', async () => {
    await clock.advance(1_000);
    upstream[node] = new Error('docker.io answered 429: slow down');
    await clock.advance(quarterDay);
    expect(watch.view(node)).toMatchObject({
      upstreamDigest: 'sha256:new',
      behindSince: '2026-01-01T00:00:01.000Z',
      lastError: 'docker.io answered 429: slow down',
    });
  });

  it('is forgotten when nobody watches the image any more, and nothing is asked after the end', async () => {
    await clock.advance(1_000);
    references = [];
    await clock.advance(5_000);
    expect(watch.view(node)?.upstreamLookAt).toBeNull();
    references = [node];
    watch.stop();
    await clock.advance(quarterDay);
    expect(asked).toHaveLength(1);
  });
});
