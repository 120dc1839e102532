import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

const tags = Array.from({ length: 24 }, (_, index) => `t${index}`);

describe('a Plinth that starts again', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;

  beforeAll(async () => {
    [plinth, registry] = await Promise.all([Plinth.start(), startRegistry()]);
    await registry.push('base', tags[0]!, 'first');
    for (const tag of tags.slice(1)) await registry.retag('base', tags[0]!, tag);
    await plinth.client.createRegistry({
      host: registry.host,
      scheme: 'http',
      kind: 'Distribution',
      poll: { randomSeconds: { from: 40_000, to: 80_000 } },
    });
    const stages = tags.map((tag) => `FROM ${registry.host}/base:${tag} AS ${tag}\nCOPY Dockerfile /app\n`);
    const last = `FROM ${registry.host}/base:${tags[0]}\n${tags.map((tag) => `COPY --from=${tag} /app /${tag}\n`).join('')}`;
    await plinth.task('app', {
      files: stages.join('') + last,
      image: `${registry.host}/app:1`,
      trigger: { baseImageTrigger: { name: 'all', baseImageTriggerType: 'All', status: 'Enabled' } },
    });
    await plinth.watching('app');
    // The answer to a look comes after the first look at each.
    for (const tag of tags) await plinth.client.lookAtImage({ reference: `${registry.host}/base:${tag}` });
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
  });

  const images = async () => (await plinth.client.listImages({ registry: registry.host, pageSize: 100 })).images;
  const heads = () => registry.journal().match(/HEAD \/v2\/base\/manifests/g)?.length ?? 0;

  it('remembers when it looked, and asks the registry nothing that is not due', async () => {
    const before = await images();
    expect(before).toHaveLength(tags.length);
    for (const image of before) {
      expect(image).toMatchObject({
        watchedBy: 'Polling',
        dependants: 1,
        tasks: ['app'],
        lastLookAt: expect.any(String),
      });
    }
    const asked = heads();
    expect(asked).toBeGreaterThanOrEqual(tags.length);
    await plinth.stop();
    await plinth.start();
    // A look that somebody asks for comes after all that the start causes by itself.
    await plinth.client.lookAtImage({ reference: `${registry.host}/base:${tags[0]}` });
    const after = await images();
    expect(heads() - asked).toBeLessThanOrEqual(2);
    const untouched = (all: typeof before) =>
      all.slice(2).map(({ reference, lastLookAt }) => ({ reference, lastLookAt }));
    expect(untouched(after).slice(0, 5)).toEqual(untouched(before).slice(0, 5));
  });

  it('comes to all of them again by a budget, and never asks more at once than it may', async () => {
    const { polling } = await plinth.client.updateRegistry({
      host: registry.host,
      poll: { requestsPerSecond: 4, concurrency: 1 },
    });
    expect(polling).toMatchObject({ pacing: 'Budget', requestsPerSecond: 4, concurrency: 1, failures: 0 });
    const since = new Date().toISOString();
    const asked = heads();
    await plinth.stop();
    await plinth.start();
    await expect
      .poll(async () => (await images()).filter(({ lastLookAt }) => lastLookAt !== null && lastLookAt > since).length, {
        timeout: 30_000,
      })
      .toBe(tags.length);
    const passed = (Date.now() - Date.parse(since)) / 1000;
    expect(heads() - asked).toBeGreaterThanOrEqual(tags.length);
    expect(heads() - asked).toBeLessThanOrEqual(4 * passed + 2);
  });
});
