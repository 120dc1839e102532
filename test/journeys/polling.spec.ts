import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

describe('a registry that tells nobody of its pushes', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let base: string;

  beforeAll(async () => {
    [plinth, registry] = await Promise.all([Plinth.start(), startRegistry()]);
    base = `${registry.host}/base:1`;
    await registry.push('base', '1', 'first');
    await plinth.client.createRegistry({
      host: registry.host,
      scheme: 'http',
      kind: 'Distribution',
      poll: { intervalSeconds: 1 },
    });
    await plinth.task('app', { files: `FROM ${base}\nCOPY Dockerfile /app\n`, image: `${registry.host}/app:1` });
    await plinth.watching('app');
    await plinth.build('app');
    await plinth.task('below', {
      files: `FROM ${registry.host}/app:1\nCOPY Dockerfile /below\n`,
      image: `${registry.host}/below:1`,
    });
    await plinth.watching('below');
    await plinth.build('below');
    await plinth.state('below', 'Fresh');
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
  });

  it('is polled, and what moved is rebuilt', async () => {
    const seen = plinth.feed.events.length;
    await registry.push('base', '1', 'second');
    const { data } = await plinth.until('tag.moved', ({ reference }) => reference === base, seen);
    expect(data.seenBy).toBe('Poll');
    await plinth.until('wave.closed', ({ built }) => built === 2, seen);
    const { images } = await plinth.client.listImages({ reference: base });
    expect(images[0]).toMatchObject({
      lastError: null,
      lastLookAt: expect.any(String),
      nextLookAt: expect.any(String),
    });
  });

  it('makes a task stale whose trigger is off, which says so, and is rebuilt when the trigger is on again', async () => {
    await plinth.client.updateTask({ name: 'app', trigger: { baseImageTrigger: { status: 'Disabled' } } });
    const seen = plinth.feed.events.length;
    await registry.push('base', '1', 'third');
    await plinth.state('app', 'Blocked');
    const { states } = await plinth.client.listStates({ task: 'app' });
    expect(states[0]?.reasons.map(({ text }) => text)).toEqual([
      expect.stringMatching(new RegExp(`^${base} moved \\w{12} → \\w{12} at .*, found by polling\\.$`)),
      'Its base image trigger is off: turn it on, or run it by hand.',
    ]);
    // What stands on it is behind, and waits for nobody.
    await plinth.state('below', 'Behind');
    const below = await plinth.client.explain({ task: 'below' });
    expect(below.sentences[0]?.text).toBe('It is fresh, but app, which it stands on, is not.');
    expect(plinth.seen('run.queued', seen)).toEqual([]);
    await plinth.client.updateTask({ name: 'app', trigger: { baseImageTrigger: { status: 'Enabled' } } });
    await plinth.until('run.succeeded', ({ task }) => task === 'app', seen);
    await plinth.until('run.succeeded', ({ task }) => task === 'below', seen);
    await plinth.state('below', 'Fresh');
  });

  it('holds nobody for a task that is disabled: what stands on it goes on with what it has', async () => {
    await plinth.client.updateTask({ name: 'app', status: 'Disabled' });
    const seen = plinth.feed.events.length;
    await registry.push('base', '1', 'fourth');
    await plinth.state('app', 'Blocked');
    const { states } = await plinth.client.listStates({ task: 'app' });
    expect(states[0]?.reasons.at(-1)?.text).toBe('The task is disabled: enable it, or run it by hand.');
    // Its other cause is built at once.
    await plinth.client.updateTask({ name: 'below', step: { arguments: [{ name: 'CHANGED', value: 'yes' }] } });
    const { data } = await plinth.until('run.succeeded', ({ task }) => task === 'below', seen);
    expect(data.inputs[0]?.digest).toBe(await registry.digestOf('app', '1'));
    expect(plinth.seen('run.queued', seen).map((event) => event.data.task)).toEqual(['below']);
    await plinth.client.updateTask({ name: 'app', status: 'Enabled' });
    await plinth.state('below', 'Fresh');
    expect(plinth.seen('run.succeeded', seen).map((event) => event.data.task)).toEqual(['below', 'app', 'below']);
  });

  it('is asked no more once no task tracks the image', async () => {
    const seen = plinth.feed.events.length;
    await plinth.client.updateTask({ name: 'app', trigger: { baseImageTrigger: null } });
    await plinth.until('tag.unwatched', ({ reference }) => reference === base, seen);
    const { images } = await plinth.client.listImages({ reference: base });
    expect(images).toEqual([]);
    await expect(plinth.client.lookAtImage({ reference: base })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
