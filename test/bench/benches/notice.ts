import { delimiter, join } from 'node:path';
import { createClient, type Client } from '#libs/client';
import { freePort, tempDir } from '#libs/testing';
import { tarGzOf } from '../../../libs/context/src/testing/tar.js';
import { below, type Bench, type Figure } from '../bench.js';
import { median, percentile } from '../lib/stats.js';
import { startStandalone } from '../lib/standalone.js';
import { startBareListener } from '../notice/bare-listener.js';
import { makeStampingEngine } from '../notice/engine.js';
import { startNotifyingRegistry } from '../notice/registry.js';
import { RunEnds } from '../notice/runs.js';

const tasks = 20;
interface Sample {
  readonly fromAnswer: number;
  readonly fromPut: number;
}

const hookSecret = 'Bearer bench-notifications';

export const noticeBench: Bench = {
  name: 'notice',
  summary: "from the registry's answer to a push until the engine is started, beside a listener that starts it at once",
  run: async ({ size, say }) => {
    const samples = size(600);
    await using folder = await tempDir('bench-notice');
    const engine = await makeStampingEngine(folder.path);
    const [httpPort, registryPort] = [await freePort(), await freePort()];
    const host = `127.0.0.1:${registryPort}`;
    await using bare = await startBareListener('bare', join(engine.bin, 'docker-buildx'));
    await using registry = await startNotifyingRegistry(registryPort, [
      {
        name: 'plinth',
        url: `http://127.0.0.1:${httpPort}/v1/hooks/distribution/${host}`,
        headers: { Authorization: [hookSecret] },
      },
      { name: 'bare', url: bare.url, headers: {} },
    ]);
    await using plinth = await startStandalone({
      dataDir: join(folder.path, 'data'),
      httpPort,
      env: {
        PATH: [engine.bin, process.env['PATH'] ?? ''].join(delimiter),
        PLINTH_DOCKER_HOST: 'unix:///var/run/plinth-bench-has-no-daemon.sock',
        PLINTH_LOG_LEVEL: 'warn',
        PLINTH_SECRET_BENCH: hookSecret,
      },
    });
    const client = createClient({ baseUrl: plinth.url, token: plinth.token });
    const ends = new RunEnds(client);
    try {
      for (let at = 0; at < tasks; at++) await registry.push(`base-${at}`);
      await createTasks(client, host, ends);
      say(`${tasks} tasks are built once`);

      /** From a push to the start that it led to, in milliseconds. */
      const measure = async (repository: string, over: () => Promise<void>): Promise<Sample> => {
        const before = (await engine.starts()).length;
        const waiting = over();
        const { sent, answered } = await registry.push(repository);
        await waiting;
        const started = (await engine.starts()).slice(before);
        if (started.length !== 1) throw new Error(`The push to ${repository} led to ${started.length} builds.`);
        return { fromAnswer: started[0]! - answered, fromPut: started[0]! - sent };
      };
      const ours: Sample[] = [];
      const baseline: Sample[] = [];
      for (let at = 0; at < samples; at++) {
        const name = at % tasks;
        ours.push(await measure(`base-${name}`, () => ends.succeeded(`task-${name}`, 2 + Math.floor(at / tasks))));
        baseline.push(await measure('bare', () => bare.next()));
        if (at % 100 === 99) {
          const p50 = (samples: Sample[]) => median(samples.map(({ fromPut }) => fromPut)).toFixed(1);
          say(`${at + 1} samples: p50 from the PUT ${p50(ours)} ms, bare ${p50(baseline)} ms`);
        }
      }
      return figuresOf(ours, baseline);
    } catch (error) {
      throw new Error(`${(error as Error).message}\nWhat Plinth wrote last:\n${plinth.output()}`, { cause: error });
    } finally {
      ends.close();
      client.close();
    }
  },
};

/** Each task stands on one image; all share one context. The first run of each makes what later ones replace. */
const createTasks = async (client: Client, host: string, ends: RunEnds): Promise<void> => {
  const notifications = { dialect: 'distribution', secret: 'env:PLINTH_SECRET_BENCH' } as const;
  await client.createRegistry({ host, kind: 'Distribution', scheme: 'http', notifications });
  const archive = await tarGzOf([{ name: 'Dockerfile', content: 'ARG BASE\nFROM ${BASE}\nRUN true\n' }]);
  const { contextPath } = await client.uploadContext({}, archive);
  for (let at = 0; at < tasks; at++) {
    const name = `task-${at}`;
    await client.createTask({
      name,
      step: {
        type: 'Docker',
        contextPath,
        imageNames: [`${host}/app-${at}:1`],
        arguments: [{ name: 'BASE', value: `${host}/base-${at}:1` }],
      },
    });
    await client.runTask({ name });
    await ends.succeeded(name, 1);
  }
};

const figuresOf = (ours: readonly Sample[], baseline: readonly Sample[]): Figure[] =>
  (['fromAnswer', 'fromPut'] as const).flatMap((from) =>
    ([0.5, 0.99] as const).map((share) => {
      const mine = ours.map((sample) => sample[from]);
      const other = baseline.map((sample) => sample[from]);
      const measured = percentile(mine, share);
      const bare = percentile(other, share);
      return {
        figure: `from ${from === 'fromAnswer' ? 'the answer to' : 'sending'} the PUT until spawned, p${share * 100}`,
        unit: 'ms',
        measured,
        baseline: bare,
        beside: 'a listener on the same registry that starts the same program as soon as it is told of a push',
        // Distribution tells its listeners while it answers: a start before the answer was read is below zero.
        ratio: from === 'fromAnswer' ? null : measured / bare,
        goal: from === 'fromAnswer' && share === 0.99 ? below(measured, 150, 'ms') : null,
        notes: [
          `${ours.length} pushes one after the other, each with one to the bare listener; ${tasks} tasks; the engine is a program that only writes down when it was started`,
          `ours ${range(mine)} ms, bare ${range(other)} ms`,
        ],
      };
    }),
  );

const range = (values: readonly number[]): string =>
  `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`;
