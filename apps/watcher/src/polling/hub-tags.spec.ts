import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '#libs/event-log';
import { FakeClock } from '#libs/testing';
import type { RegistryDefinition } from '#libs/contracts';
import { HubError, type HubPage, type HubTag } from './hub-page.js';
import { hubRepositories, HubTags } from './hub-tags.js';

const minute = 60_000;

/** Docker Hub as the test wants it, and what was asked of it. */
class Lists {
  readonly pages = new Map<string, HubTag[][]>();
  readonly asked: { repository: string; page: number; at: number }[] = [];
  failure: Error | undefined;

  constructor(private readonly clock: FakeClock) {}

  readonly read = (repository: string, page: number): Promise<HubPage> => {
    this.asked.push({ repository, page, at: this.clock.now().getTime() });
    if (this.failure) return Promise.reject(this.failure);
    const pages = this.pages.get(repository) ?? [[]];
    return Promise.resolve({ tags: pages[page - 1] ?? [], isLast: page >= pages.length });
  };
}

describe('lists of tags at Docker Hub', () => {
  let clock: FakeClock;
  let lists: Lists;
  let hub: HubTags;
  let watched: Map<string, number>;
  let digests: Map<string, string | null>;
  let differed: string[];

  beforeEach(() => {
    clock = new FakeClock();
    lists = new Lists(clock);
    watched = new Map([['library/node', 5]]);
    digests = new Map([
      ['library/node:20', 'old'],
      ['library/node:22', 'b'],
    ]);
    differed = [];
    hub = new HubTags({
      read: lists.read,
      repositories: () => watched,
      digestOf: (repository, tag) => digests.get(`${repository}:${tag}`),
      differs: (repository, tag) => differed.push(`${repository}:${tag}`),
      clock,
      logger: silentLogger,
      random: () => 0.5,
    });
  });

  const tag = (name: string, digest: string | null, updatedAt: number): HubTag => ({ name, digest, updatedAt });
  const pagesAsked = () => lists.asked.map(({ page }) => page);

  it('tell which watched tags differ from what the last look found, each digest once', async () => {
    lists.pages.set('library/node', [
      [tag('20', 'new', 9), tag('22', 'b', 8), tag('nobody', 'x', 7), tag('old', null, 1)],
    ]);
    hub.start();
    await clock.advance(3 * minute);
    expect(differed).toEqual(['library/node:20']);
    lists.pages.set('library/node', [[tag('20', 'newer', 10)]]);
    await clock.advance(minute);
    expect(differed).toEqual(['library/node:20', 'library/node:20']);
    await hub.stop();
  });

  it('are read for repositories of which five tags are watched, and until nobody watches them', async () => {
    watched.set('library/alpine', 4);
    hub.start();
    await clock.advance(minute);
    expect(new Set(lists.asked.map(({ repository }) => repository))).toEqual(new Set(['library/node']));
    watched.clear();
    await clock.advance(minute);
    const before = lists.asked.length;
    await clock.advance(5 * minute);
    expect(lists.asked).toHaveLength(before);
    expect(hub.view().repositories).toBe(0);
    await hub.stop();
  });

  it('are read back to what was the newest last time, and no further', async () => {
    lists.pages.set('library/node', [[tag('a', 'a', 10)], [tag('b', 'b', 9)], [tag('c', 'c', 1)]]);
    hub.start();
    await clock.advance(1_000);
    expect(pagesAsked()).toEqual([1]);
    lists.pages.set('library/node', [
      [tag('d', 'd', 12)],
      [tag('20', 'new', 11), tag('a', 'a', 10)],
      [tag('b', 'b', 9)],
    ]);
    await clock.advance(minute + 5_000);
    expect(pagesAsked()).toEqual([1, 1, 2]);
    expect(differed).toEqual(['library/node:20']);
    await hub.stop();
  });

  it('cost at most thirty requests a minute, whatever is watched', async () => {
    for (let index = 0; index < 200; index++) watched.set(`acme/app${index}`, 9);
    hub.start();
    await clock.advance(10 * minute);
    const asked = lists.asked.map(({ at }) => at);
    for (const from of asked)
      expect(asked.filter((at) => at >= from && at < from + minute).length).toBeLessThanOrEqual(31);
    expect(new Set(lists.asked.map(({ repository }) => repository)).size).toBe(201);
    await hub.stop();
  });

  it('are left alone for as long as a refusal says', async () => {
    lists.failure = new HubError('status 429', { retryAfterMs: 10 * minute });
    hub.start();
    await clock.advance(9 * minute);
    expect(lists.asked).toHaveLength(1);
    expect(hub.view()).toMatchObject({ requests: 1, lastError: { message: 'status 429' } });
    lists.failure = undefined;
    await clock.advance(2 * minute);
    expect(lists.asked.length).toBeGreaterThan(1);
    expect(hub.view().pausedUntil).toBeNull();
    await hub.stop();
  });
});

describe('repositories whose lists are read', () => {
  const watchList = {
    *tagsByRepository() {
      yield* [
        ['docker.io/library/node', 7],
        ['docker.io/acme/app', 9],
        ['docker.io.test/a/b', 9],
        ['quay.io/a/b', 9],
      ] as const;
    },
  };
  const read = (definition?: Partial<RegistryDefinition>, mirrored?: string) => [
    ...hubRepositories(watchList, {
      definitionOf: (host) => (host === 'docker.io' ? (definition as RegistryDefinition) : undefined),
      mirrored: (repository) =>
        repository.repository === mirrored ? { registry: 'm.test', repository: 'r' } : undefined,
    }),
  ];

  it.each<[string, unknown, unknown]>([
    [
      'are those at Docker Hub',
      read(),
      [
        ['library/node', 7],
        ['acme/app', 9],
      ],
    ],
    ['are those that are followed there, and at no mirror', read(undefined, 'library/node'), [['acme/app', 9]]],
    ['are none where an interval is said', read({ poll: { intervalSeconds: 900 } }), []],
    ['are none where another endpoint is asked', read({ poll: {}, endpoint: 'cache.test' }), []],
    [
      'are all by another budget',
      read({ poll: { requestsPerSecond: 2 } }),
      [
        ['library/node', 7],
        ['acme/app', 9],
      ],
    ],
  ])('%s', (_title, found, expected) => expect(found).toEqual(expected));
});
