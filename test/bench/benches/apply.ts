import { gzipSync } from 'node:zlib';
import { createClient, type Client } from '#libs/client';
import { taskDefinitionSchema, type EventData } from '#libs/contracts';
import { definitionHash } from '#libs/domain';
import { Jet } from '#libs/event-log';
import { startNats, tempDir } from '#libs/testing';
import { tarOf } from '../../demo/base-image.js';
import { ratioAtLeast, type Bench } from '../bench.js';
import { startStandalone } from '../lib/standalone.js';
import { inTurn, median, seconds, spread } from '../lib/stats.js';
import { inWindow } from '../lib/window.js';

const window = 256;
const rounds = 3;

export const applyBench: Bench = {
  name: 'apply',
  summary: 'many tasks applied in one call to a standalone Plinth, beside appends of the same events to the log alone',
  run: async (context) => {
    const tasks = context.size(8_000, 80);
    await using folder = await tempDir('bench-apply');
    await using plinth = await startStandalone({ dataDir: folder.path });
    await using nats = await startNats();
    const client = createClient({ baseUrl: plinth.url, token: plinth.token });
    const jet = await Jet.connect({ servers: nats.url, name: 'bench' });
    await jet.provision();
    const tar = await tarOf([{ name: 'Dockerfile', content: 'FROM scratch\nCOPY Dockerfile /x\n' }]);
    const { contextPath } = await client.uploadContext({}, gzipSync(tar), { contentType: 'application/gzip' });

    const rate = async (what: string, work: () => Promise<unknown>): Promise<number> => {
      const perSecond = tasks / (await seconds(work));
      context.say(`${what}: ${Math.round(perSecond)} tasks/s`);
      return perSecond;
    };
    const ours = async (round: number): Promise<number> => {
      const resources = tasksOf(tasks, `r${round}`, contextPath);
      const before = client.position;
      const measured = await rate('applyTasks', () => client.applyTasks({ tasks: resources }));
      await scanned(client, before, tasks);
      return measured;
    };
    const bare = (round: number): Promise<number> => {
      const events = tasksOf(tasks, `r${round}`, contextPath).map(created);
      const append = (index: number) => {
        const data = events[index]!;
        const id = data.definition.name;
        return jet.events.append({ kind: 'task', id }, 0, [{ id, type: 'task.created', data }]).then(() => undefined);
      };
      return rate('JetStreamEventLog.append', () => inWindow(tasks, window, append));
    };
    await client.applyTasks({ tasks: tasksOf(Math.ceil(tasks / 20), 'warm', contextPath) });
    const result = await inTurn(rounds, ours, bare);
    const again = await seconds(() => client.applyTasks({ tasks: tasksOf(tasks, 'r0', contextPath) }));
    await jet.close();
    return [
      {
        figure: 'tasks applied in one call',
        unit: 'per second',
        measured: median(result.ours),
        baseline: median(result.baseline),
        beside: 'JetStreamEventLog.append of the same task.created events, 256 under way, on a nats-server of its own',
        ratio: result.ratio,
        goal: ratioAtLeast(result.ratio, 0.6),
        notes: [
          `${tasks} tasks a call, over HTTP, all four services running; ${rounds} rounds in turn`,
          `apply ${spread(result.ours)}, append ${spread(result.baseline)} per second`,
          `the same call again, which changes nothing: ${(again * 1000).toFixed(0)} ms`,
        ],
      },
    ];
  },
};

const tasksOf = (count: number, prefix: string, contextPath: string) =>
  Array.from({ length: count }, (_, index) => {
    const name = `${prefix}-${index}`;
    return {
      name,
      step: {
        type: 'Docker' as const,
        contextPath,
        imageNames: [`registry.invalid/shop/${name}:1`, `registry.invalid/shop/${name}:{{.Run.ID}}`],
        arguments: [{ name: 'VERSION', value: String(index) }],
      },
      tags: { tier: String(index % 3) },
    };
  });

const created = (task: ReturnType<typeof tasksOf>[number]): EventData<'task.created'> => {
  const definition = taskDefinitionSchema.parse({
    ...task,
    team: 'default',
    platforms: ['linux/amd64'],
    appliedBy: 'default/default',
  });
  return { definition, definitionHash: definitionHash(definition), by: 'bench' };
};

/** Waits until what was applied is known to the end, so that the next round does not share the machine with it. */
const scanned = async (client: Client, after: number, count: number): Promise<void> => {
  let seen = 0;
  for await (const _event of client.watchEvents({ after, types: 'task.scanned' })) if (++seen >= count) return;
};
