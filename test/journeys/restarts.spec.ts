import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

describe('a Plinth that ends and begins again', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let base: string;

  beforeAll(async () => {
    // A run whose builder is gone is handed out again soon.
    [plinth, registry] = await Promise.all([Plinth.start({ env: { PLINTH_ACK_WAIT: '3' } }), startRegistry()]);
    base = `${registry.host}/base:1`;
    await registry.push('base', '1', 'first');
    await plinth.client.createRegistry({ host: registry.host, scheme: 'http', poll: { intervalSeconds: 1 } });
    await plinth.task('middle', {
      files: `FROM ${base}\nRUN busybox sleep 2\nRUN echo middle > /middle\n`,
      image: `${registry.host}/middle:1`,
    });
    await plinth.watching('middle');
    await plinth.build('middle');
    await plinth.task('app', {
      files: `FROM ${registry.host}/middle:1\nCOPY Dockerfile /app\n`,
      image: `${registry.host}/app:1`,
    });
    await plinth.watching('app');
    await plinth.build('app');
    await plinth.state('app', 'Fresh');
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
  });

  const puts = () => ({ middle: registry.putsOf('middle', '1'), app: registry.putsOf('app', '1') });
  const everything = async () => {
    const { client } = plinth;
    const images = (await client.listImages({})).images.map(
      ({ lastLookAt: _at, nextLookAt: _next, ...image }) => image,
    );
    return {
      tasks: (await client.listTasks({})).tasks,
      runs: (await client.listRuns({})).runs,
      states: await client.listStates({}),
      waves: (await client.listWaves({})).waves,
      registries: (await client.listRegistries({})).registries.map(({ host, etag }) => [host, etag]),
      images,
    };
  };

  /** Moves the base, ends Plinth while the first build of the wave runs, starts it, and waits for the end of the wave. */
  const interrupted = async (text: string, interrupt: () => Promise<void>): Promise<void> => {
    const before = puts();
    const position = plinth.feed.events.at(-1)!.position;
    await registry.push('base', '1', text);
    const { data } = await plinth.until('run.started', ({ run }) => run !== '', plinth.feed.events.length);
    await interrupt();
    const closed = await plinth.feed.until(
      (event) => (event.type === 'wave.closed' && event.position > position ? event : undefined),
      { timeoutMs: 90_000, what: `That the wave of ${text} closes` },
    );
    expect(closed.data).toMatchObject({ built: 2, unfinished: [] });
    expect(puts()).toEqual({ middle: before.middle + 1, app: before.app + 1 });
    const { runs } = await plinth.client.listRuns({ wave: closed.data.wave }, { position: closed.position });
    expect(runs.map(({ task, status }) => [task, status])).toEqual([
      ['app', 'Succeeded'],
      ['middle', 'Succeeded'],
    ]);
    expect(runs[1]?.runId).toBe(data.run);
    await plinth.state('app', 'Fresh');
  };

  it('has everything as it was', async () => {
    const before = await everything();
    await plinth.stop();
    await plinth.start();
    expect(await everything()).toEqual(before);
  });

  it('goes on with a wave that it was told to stop in the middle of, and builds nothing twice', async () => {
    await interrupted('second', async () => {
      await plinth.stop();
      await plinth.start();
    });
  });

  it('goes on with a wave in the middle of which it was killed, and builds nothing twice', async () => {
    await interrupted('third', async () => {
      await plinth.kill();
      await plinth.start();
    });
  });

  it('outlives its nats-server, which is started again', async () => {
    const pid = plinth.natsPid();
    await interrupted('fourth', async () => {
      process.kill(pid, 'SIGKILL');
    });
    expect(plinth.natsPid()).not.toBe(pid);
    expect(await plinth.isReady()).toBe(true);
  });

  it('refuses to run twice on one folder', async () => {
    await expect(plinth.again()).rejects.toThrow(/running already on .* \(process \d+\)/);
  });

  it('has the same facts after all that as a service that reads them anew', async () => {
    const before = await everything();
    const { position } = await plinth.client.getCurrent({});
    await plinth.stop();
    const rows = await plinth.projectedRows();
    await plinth.forgetProjections();
    await plinth.start();
    expect(await everything()).toEqual(before);
    expect((await plinth.client.getCurrent({})).position).toBe(position);
    await plinth.stop();
    // Byte for byte, in the databases of all four services.
    expect(await plinth.projectedRows()).toEqual(rows);
  });
});
