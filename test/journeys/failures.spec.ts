import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

describe('a build that does not succeed', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let base: string;
  const named = (name: string) => `${registry.host}/${name}:1`;

  beforeAll(async () => {
    [plinth, registry] = await Promise.all([Plinth.start(), startRegistry()]);
    base = named('base');
    await registry.push('base', '1', 'first');
    await plinth.client.createRegistry({ host: registry.host, scheme: 'http', poll: { intervalSeconds: 1 } });
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
  });

  const failing: [string, string, Record<string, string>, RegExp, RegExp][] = [
    ['no-dockerfile', 'has no Dockerfile', { 'readme.txt': 'hello' }, /DOCKERFILE_NOT_FOUND/, /Dockerfile/],
    ['failing-step', 'fails in a step', { Dockerfile: 'FROM {base}\nRUN exit 42\n' }, /STEP_FAILED/, /exit 42|42/],
    [
      'unknown-base',
      'names a base that is not there',
      { Dockerfile: 'FROM {host}/nowhere:9\n' },
      /BASE_NOT_FOUND/,
      /nowhere:9/,
    ],
    [
      'not-a-dockerfile',
      'has a Dockerfile that is none',
      { Dockerfile: 'FORM {base}\n' },
      /DOCKERFILE_INVALID/,
      /FORM|line 1/i,
    ],
  ];
  it.each(failing)('is Failed, with the reason in words, when it (%s) %s', async (name, _what, files, code, words) => {
    const put = (text: string) => text.replace('{base}', base).replace('{host}', registry.host);
    const real = Object.fromEntries(Object.entries(files).map(([file, text]) => [file, put(text)]));
    await plinth.task(name, { files: real, image: named(name) });
    const { runId } = await plinth.client.runTask({ name });
    const end = await plinth.ended(runId);
    expect(end.type).toBe('run.failed');
    expect(end.data).toMatchObject({ code: expect.stringMatching(code), reason: expect.stringMatching(words) });
    const run = await plinth.client.getRun({ run: runId }, { position: end.position });
    expect(run).toMatchObject({ status: 'Failed', runErrorMessage: expect.stringMatching(words), outputs: [] });
    expect(await registry.digestOf(name, '1')).toBeNull();
  });

  it('ends Canceled when a person cancels it while it runs, and pushes nothing', async () => {
    await plinth.task('slow', {
      files: `FROM ${base}\nRUN echo begins; sh -c 'while true; do :; done'\n`,
      image: named('slow'),
    });
    const { runId } = await plinth.client.runTask({ name: 'slow' });
    for await (const { text } of plinth.client.getRunLogs({ run: runId, follow: true })) {
      if (text.endsWith('begins')) break;
    }
    await plinth.client.cancelRun({ run: runId });
    const end = await plinth.ended(runId);
    expect(end).toMatchObject({ type: 'run.canceled', data: { reason: 'Requested', attempt: 1 } });
    expect(await plinth.client.getRun({ run: runId }, { position: end.position })).toMatchObject({
      status: 'Canceled',
    });
    expect(await registry.digestOf('slow', '1')).toBeNull();
    // Once more is no harm.
    expect(await plinth.client.cancelRun({ run: runId })).toMatchObject({ status: 'Canceled' });
  });

  it('ends when its task is deleted meanwhile, and pushes nothing', async () => {
    const { runId } = await plinth.client.runTask({ name: 'slow' });
    for await (const { text } of plinth.client.getRunLogs({ run: runId, follow: true })) {
      if (text.endsWith('begins')) break;
    }
    await plinth.client.deleteTask({ name: 'slow' });
    await expect(plinth.client.getTask({ name: 'slow' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const end = await plinth.ended(runId);
    expect(end).toMatchObject({ type: 'run.canceled' });
    expect(await registry.digestOf('slow', '1')).toBeNull();
    expect(await plinth.client.getRun({ run: runId }, { position: end.position })).toMatchObject({
      task: 'slow',
      status: 'Canceled',
    });
  });

  it('is tried three times; then its circuit opens, holds nobody, and can be reset', async () => {
    // It breaks as soon as the base is not the first one any more.
    const dockerfile = `FROM ${base}\nRUN read now < /token; [ "$now" = first ]\n`;
    await plinth.task('fragile', { files: dockerfile, image: named('fragile') });
    await plinth.watching('fragile');
    await plinth.build('fragile');
    await plinth.state('fragile', 'Fresh');
    const seen = plinth.feed.events.length;
    await registry.push('base', '1', 'broken');
    const opened = await plinth.until('task.circuit-opened', ({ task }) => task === 'fragile', seen);
    expect(opened.data.failures).toBe(3);
    expect(Date.parse(opened.data.retryAt)).toBeGreaterThan(Date.parse(opened.time) + 3_500_000);
    await plinth.state('fragile', 'Blocked');
    const task = await plinth.client.getTask({ name: 'fragile' });
    expect(task.circuit).toMatchObject({ retryAt: opened.data.retryAt });
    const { states } = await plinth.client.listStates({ task: 'fragile' });
    expect(states[0]?.reasons.at(-1)).toMatchObject({
      code: 'BLOCKED_CIRCUIT_OPEN',
      text: expect.stringContaining('Its build failed too often'),
    });
    expect(plinth.seen('run.failed', seen).filter(({ data }) => data.task === 'fragile')).toHaveLength(3);
    const again = plinth.feed.events.length;
    expect(await plinth.client.resetTask({ name: 'fragile' })).toMatchObject({ circuit: null });
    await plinth.until('run.queued', (run) => run.task === 'fragile', again);
    await registry.push('base', '1', 'first');
    await plinth.until('run.succeeded', (run) => run.task === 'fragile', again);
    await plinth.state('fragile', 'Fresh');
    expect((await plinth.client.getTask({ name: 'fragile' })).circuit).toBeNull();
  });

  it('is Error, and tried again until it succeeds, while its registry is down', async () => {
    const other = await startRegistry();
    try {
      await plinth.client.createRegistry({ host: other.host, scheme: 'http', poll: { intervalSeconds: 86_400 } });
      const image = `${other.host}/published:1`;
      await plinth.task('published', { files: `FROM ${base}\nCOPY Dockerfile /x\n`, image });
      await plinth.watching('published');
      await other.stop();
      const seen = plinth.feed.events.length;
      const { runId } = await plinth.client.runTask({ name: 'published' });
      const errored = await plinth.until('run.errored', ({ run }) => run === runId, seen);
      expect(errored.data).toMatchObject({ attempt: 1, retryAt: expect.any(String) });
      const waiting = await plinth.client.getRun({ run: runId }, { position: errored.position });
      expect(waiting).toMatchObject({ status: 'Queued', attempts: [{ number: 1, status: 'Error' }] });
      await other.start();
      await plinth.ended(runId);
      const run = await plinth.client.getRun({ run: runId }, { position: plinth.feed.events.at(-1)!.position });
      expect(run).toMatchObject({
        status: 'Succeeded',
        outputs: [{ reference: image, digest: await other.digestOf('published', '1') }],
      });
      expect(run.attempts.length).toBeGreaterThan(1);
      expect((await plinth.client.getTask({ name: 'published' })).circuit).toBeNull();
    } finally {
      await other.close();
    }
  });
});
