import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '#libs/testing';
import { createGrpcClient } from '#libs/client';
import { Cli } from '../support/cli.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

const secret = 'Bearer journey-webhook';

describe('a chain of two images on a base that somebody else moves', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let base: string;
  let middle: string;
  let app: string;

  beforeAll(async () => {
    plinth = await Plinth.start();
    const host = `127.0.0.1:${await freePort()}`;
    registry = await startRegistry({
      host,
      notify: { url: `${plinth.url}/v1/hooks/distribution/${host}`, authorization: secret },
    });
    base = `${host}/base:1`;
    middle = `${host}/middle:1`;
    app = `${host}/app:1`;
    await registry.push('base', '1', 'first');
    await plinth.client.setSecret({ name: 'hook', value: secret });
    await plinth.client.createRegistry({
      host,
      scheme: 'http',
      kind: 'Distribution',
      notifications: { dialect: 'distribution', secret: 'hook' },
      // Only the webhook can be what told.
      poll: { intervalSeconds: 86_400 },
    });
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
  });

  it('knows the inputs of a new task without a build', async () => {
    await plinth.task('middle', { files: `FROM ${base}\nRUN echo middle > /middle\n`, image: middle });
    await plinth.watching('middle');
    const task = await plinth.client.getTask({ name: 'middle' });
    expect(task.inputsStatus).toBe('Known');
    expect(task.inputs).toMatchObject([{ reference: base, role: 'base', tracked: true, pinned: false, used: null }]);
    expect(plinth.seen('run.queued')).toEqual([]);
    const { states } = await plinth.client.listStates({ task: 'middle' });
    expect(states[0]).toMatchObject({ state: 'Unbuilt', reasons: [{ code: 'NEVER_BUILT' }] });
  });

  it('runs by hand, with a log that is followed while it grows and can be read later', async () => {
    const { runId, status, causes } = await plinth.client.runTask({ name: 'middle' });
    expect({ status, causes }).toMatchObject({ status: 'Queued', causes: [{ type: 'Manual' }] });
    const live: string[] = [];
    for await (const { text, offset } of plinth.client.getRunLogs({ run: runId, follow: true })) {
      expect(offset).toBe(live.length);
      live.push(text);
    }
    await plinth.ended(runId);
    const later: string[] = [];
    for await (const { text } of plinth.client.getRunLogs({ run: runId })) later.push(text);
    expect(later).toEqual(live);
    expect(live.join('\n')).toContain('echo middle');
    const run = await plinth.client.getRun({ run: runId });
    expect(run).toMatchObject({
      status: 'Succeeded',
      task: 'middle',
      inputs: [{ reference: base, role: 'base', digest: await registry.digestOf('base', '1') }],
      outputs: [{ reference: middle, digest: await registry.digestOf('middle', '1') }],
      attempts: [{ number: 1, status: 'Succeeded' }],
    });
  });

  it('builds what stands on it, and says who stands on whom', async () => {
    await plinth.task('app', { files: `FROM ${middle}\nCOPY Dockerfile /app\n`, image: app });
    await plinth.watching('app');
    await plinth.build('app');
    await plinth.state('app', 'Fresh');
    const { dependants, total, depth } = await plinth.client.listDependants({ reference: base, transitive: true });
    expect({ dependants, total, depth }).toMatchObject({
      dependants: [
        { task: 'middle', depth: 1, roles: ['base'], tracked: true },
        { task: 'app', depth: 2, reference: middle },
      ],
      total: 2,
      depth: 2,
    });
    const { inputs } = await plinth.client.listInputs({ task: 'app', transitive: true });
    expect(inputs).toMatchObject([
      { task: 'app', reference: middle, depth: 1, upstream: ['middle'] },
      { task: 'middle', reference: base, depth: 2, upstream: [] },
    ]);
  });

  it('rebuilds both, in order and once, when a webhook tells that the base moved', async () => {
    const before = { middle: registry.putsOf('middle', '1'), app: registry.putsOf('app', '1') };
    const seen = plinth.feed.events.length;
    const digest = await registry.push('base', '1', 'second');
    const closed = await plinth.until('wave.closed', () => true, seen);
    expect(closed.data).toMatchObject({ built: 2, unchanged: 0, unfinished: [] });
    const [opened] = plinth.seen('wave.opened', seen);
    expect(opened?.data).toMatchObject({ reference: base, to: digest, seenBy: 'Webhook', tasks: 2, depth: 2 });
    const order = plinth.seen('run.succeeded', seen).map(({ data }) => data.task);
    expect(order).toEqual(['middle', 'app']);
    expect(registry.putsOf('middle', '1')).toBe(before.middle + 1);
    expect(registry.putsOf('app', '1')).toBe(before.app + 1);
    const wave = await plinth.client.getWave({ wave: closed.data.wave });
    expect(wave).toMatchObject({
      closedAt: expect.any(String),
      counts: { waiting: 0, running: 0, built: 2, failed: 0 },
      members: [
        { task: 'middle', level: 1, status: 'Built' },
        { task: 'app', level: 2, status: 'Built' },
      ],
    });
    const { runs } = await plinth.client.listRuns({ wave: closed.data.wave });
    expect(runs.map(({ task }) => task)).toEqual(['app', 'middle']);
    await plinth.state('app', 'Fresh');
  });

  it('says why the last image was built, back to the base that moved', async () => {
    const { sentences, run } = await plinth.client.explain({ reference: app });
    expect(sentences[0]?.text).toMatch(
      new RegExp(`^app was built by run ${run} because ${middle} moved \\w{12} → \\w{12} at .* UTC .*\\.$`),
    );
    expect(sentences[1]?.text).toMatch(
      new RegExp(
        `^${middle} moved to \\w{12} because middle was built by run \\w+: ${base} moved .*, the registry told us\\.$`,
      ),
    );
    const again = await plinth.client.explain({ run: run! });
    expect(again.sentences).toEqual(sentences);
  });

  it('resumes the stream of events after the id that was read last', async () => {
    const all = plinth.feed.events.map(({ position }) => position);
    const at = all[Math.floor(all.length / 2)]!;
    const stop = new AbortController();
    const response = await fetch(`${plinth.url}/v1/events`, {
      headers: { authorization: `Bearer ${plinth.token}`, 'last-event-id': String(at) },
      signal: stop.signal,
    });
    let text = '';
    const wanted = all.filter((one) => one > at);
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString('utf8');
      if (text.includes(`id: ${wanted.at(-1)}\n`) && text.endsWith('\n\n')) break;
    }
    stop.abort();
    const ids = [...text.matchAll(/^id: ?(\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids.slice(0, wanted.length)).toEqual(wanted);
  });

  it('does nothing when the same image is pushed again, or another tag of it', async () => {
    const seen = plinth.feed.events.length;
    await registry.retag('base', '1', '1');
    await registry.retag('base', '1', '2');
    // A look is over when it answers, so whatever a webhook told before it is over too.
    await plinth.client.lookAtImage({ reference: base });
    expect(plinth.feed.events.slice(seen)).toEqual([]);
    const { images } = await plinth.client.listImages();
    expect(images.map(({ reference }) => reference).sort()).toEqual([base, middle].sort());
  });

  describe('answers, over HTTP, gRPC and by the command line,', () => {
    let cli: Cli;
    beforeAll(async () => {
      cli = await Cli.for(plinth);
    });
    afterAll(() => cli?.close());

    it('what would be rebuilt if the base moved, in which order, and how long that takes', async () => {
      const impact = await plinth.client.getImpact({ reference: base });
      expect(impact).toMatchObject({
        builds: 2,
        depth: 2,
        held: 0,
        slots: [{ pool: 'default', slots: expect.any(Number) }],
        tasks: [
          { task: 'middle', level: 1, through: [base], startsAfterSeconds: 0, usualSeconds: expect.any(Number) },
          { task: 'app', level: 2, through: [middle], held: null },
        ],
      });
      const [first, second] = impact.tasks;
      expect(second!.startsAfterSeconds).toBe(first!.usualSeconds);
      expect(impact.seconds).toBeCloseTo(first!.usualSeconds! + second!.usualSeconds!);
      const lines = (await cli.ok('impact', base)).split('\n');
      expect(lines[0]).toBe(impact.text);
      expect(lines[2]).toMatch(/^LEVEL +TASK +STANDS ON +STARTS AFTER +USUALLY TAKES/);
      expect(lines.slice(3).join(' ')).toMatch(/^1 +middle .* 2 +app /);
      expect(await cli.json('impact', 'middle')).toMatchObject({ references: [middle], builds: 1 });
      expect(await cli.run(['impact', 'nobody'])).toMatchObject({ code: 3 });
    });

    it('which images stand on a digest, now and before the base moved', async () => {
      const [was, is] = plinth
        .seen('tag.adopted')
        .filter(({ data }) => data.reference === base)
        .map(({ data }) => data.to.digest);
      const now = await plinth.client.listContaining({ digest: is! });
      expect(now).toMatchObject({
        references: [base],
        standing: 2,
        ever: 2,
        images: [
          { reference: middle, task: 'middle', depth: 1, through: is, standing: true },
          { reference: app, task: 'app', depth: 2, standing: true },
        ],
      });
      expect(await plinth.client.listContaining({ digest: was! })).toMatchObject({ standing: 0, ever: 2, images: [] });
      const moved = plinth.seen('tag.moved').findLast(({ data }) => data.reference === base)!;
      const then = await plinth.client.listContaining({ digest: was!, asOf: String(moved.position) });
      expect(then).toMatchObject({ standing: 2, position: moved.position });
      const shown = JSON.parse(await cli.ok('image', 'show', base, '-o', 'json')) as { contains: unknown };
      expect(shown.contains).toEqual([
        { digest: is, standing: 2, ever: 2 },
        { digest: was, standing: 0, ever: 2 },
      ]);
      expect(await cli.ok('image', 'show', base)).toMatch(/Stand on it:\s+\w+: 2 images of 2 that were built on it\n/);
      const failing = await cli.run(['contains', `${base}@${is}`, '--fail-on-any']);
      expect([failing.code, failing.stdout.split('\n')[0]]).toEqual([6, now.text]);
      expect((await cli.run(['contains', 'node:22'])).stderr).toMatch(/expected a digest such as sha256:/);
    });

    it('how much is fresh, now and as of a moment', async () => {
      const current = await plinth.client.getCurrent({});
      expect(current).toMatchObject({
        text: '2 of 2 tasks are fresh (100 %).',
        total: 2,
        fresh: 2,
        images: [
          { reference: app, grade: 'A' },
          { reference: middle, grade: 'A' },
        ],
      });
      const [due] = plinth.seen('rebuild.due');
      const asOf = String(due!.position);
      const then = await plinth.client.getCurrent({ asOf });
      expect(then).toMatchObject({ fresh: 0, counts: { Stale: 1, Behind: 1 }, oldest: { task: 'app' } });
      await using grpc = grpcOf(plinth);
      expect(await grpc.client.getCurrent({ asOf })).toEqual(then);
      expect((await cli.ok('current')).split('\n')[0]).toBe(current.text);
      expect(await cli.ok('current', '--grade', 'b', '--as-of', asOf, '-o', 'name')).toBe(`${app}\n${middle}\n`);
      expect(await cli.ok('why', 'middle', '--as-of', asOf)).toMatch(/^middle is Stale\.\n.*moved/);
      const before = String(plinth.seen('task.created').at(0)!.position);
      expect(await cli.ok('stale', '--as-of', asOf, '-o', 'name')).toBe('middle\n');
      expect(await cli.ok('status', '--as-of', asOf)).toMatch(/As of:\s+\d+\nTasks:\s+2: 1 Behind, 1 Stale\n$/);
      expect(await cli.ok('graph', base, '--as-of', asOf)).toMatch(/middle .*Stale\n.*app .*Behind\n/);
      expect(await cli.ok('graph', base, '--as-of', before)).toBe('');
      expect(await cli.ok('graph', 'app', '--up', '--as-of', asOf, '-o', 'name')).toBe(`${middle}\n${base}\n`);
      const refused = await cli.run(['current', '--as-of', '999999']);
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/The log ends at \d+/)]);
    });
  });

  it('does not watch a base that is pinned by its digest', async () => {
    const digest = await registry.digestOf('base', '1');
    const pinned = `${registry.host}/pinned:1`;
    await plinth.task('pinned', { files: `FROM ${base}@${digest}\nCOPY Dockerfile /x\n`, image: pinned });
    await plinth.until('task.scanned', ({ task }) => task === 'pinned');
    const { inputs } = await plinth.client.getTask({ name: 'pinned' });
    expect(inputs).toMatchObject([{ pinned: true, tracked: false }]);
    await plinth.build('pinned');
    const seen = plinth.feed.events.length;
    await registry.push('base', '1', 'third');
    await plinth.until('wave.closed', () => true, seen);
    expect(plinth.seen('run.queued', seen).map(({ data }) => data.task)).not.toContain('pinned');
    await plinth.state('pinned', 'Fresh');
  });
});

const grpcOf = ({ grpc, token }: Plinth) => {
  const client = createGrpcClient({ address: grpc, token });
  return { client, [Symbol.asyncDispose]: async () => client.close() };
};
