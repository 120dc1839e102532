import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { tempDir } from '#libs/testing';
import { Services } from '../../support/services.js';
import { below, type Bench } from '../bench.js';
import { History } from '../history/history.js';
import { startBareServer } from '../lib/bare-server.js';
import { fillLog, startFillServer } from '../lib/fill.js';
import { inTurn, median, seconds, spread } from '../lib/stats.js';

const launcher = resolve(import.meta.dirname, '../../../../scripts/plinth.mjs');
const rounds = 20;
const pageSize = 1000;
/** One of forty, as the world has them. */
const team = 'team-7';

export const staleBench: Bench = {
  name: 'stale',
  summary: 'what is stale, with why, of a hundred thousand tasks that all are: page by page, and by the command line',
  run: async ({ size, say }) => {
    const tasks = size(100_000, 400);
    await using folder = await tempDir('bench-stale');
    {
      await using filling = await startFillServer(folder.path);
      const history = new History({ events: Infinity, tasks, end: 'AllStale' });
      let events = 0;
      const taken = await seconds(async () => (events = await fillLog(filling.url, history)));
      say(`${events} events of ${tasks} tasks are in the log (${Math.round(events / taken)}/s)`);
    }
    const env = { PLINTH_VALIDATE_RESPONSES: 'false' };
    const services = await Services.start({ only: ['graph'], nats: { storeDir: folder.path }, env });
    try {
      const client = services.client('graph');
      const first = await client.listStates({ current: false, pageSize });
      const { url } = services.processes.graph;
      say(`${first.counts.Blocked} of ${tasks} tasks are blocked, by ${url}`);

      const middle = { current: 'false', pageSize: String(pageSize), pageToken: first.nextPageToken };
      const headers = { authorization: `Bearer ${services.token}` };
      const target = `${url}/v1/graph/states?${new URLSearchParams(middle).toString()}`;
      const body = await (await fetch(target, { headers })).text();
      await using bare = await startBareServer((_request, reply) => {
        reply.writeHead(200, { 'content-type': 'application/json' }).end(body);
      });
      const ms = async (address: string): Promise<number> =>
        (await seconds(async () => (await fetch(address, { headers })).text())) * 1000;
      const page = await inTurn(
        rounds,
        () => ms(target),
        () => ms(bare.url),
      );
      const whole = await seconds(async () => {
        for (let pageToken = ''; ;) {
          const { nextPageToken } = await client.listStates({ current: false, pageSize, pageToken });
          if (nextPageToken === '') return;
          pageToken = nextPageToken;
        }
      });
      say(`a page ${spread(page.ours)} ms, all pages ${whole.toFixed(1)} s`);

      const home = { ...process.env, HOME: folder.path, PLINTH_SERVER: url, PLINTH_TOKEN: services.token };
      const command = [launcher, 'stale', '--team', team];
      await untilEnd(command, home);
      const commands = await inTurn(
        5,
        () => untilEnd(command, home),
        () => untilEnd(['-e', '0'], home),
      );
      const measured = median(page.ours);
      const listed = median(commands.ours);
      return [
        {
          figure: 'a page of what is stale',
          unit: 'ms',
          measured,
          baseline: median(page.baseline),
          beside: 'a bare node:http server that answers the same bytes',
          ratio: page.ratio,
          goal: below(measured, 1000, 'ms'),
          notes: [
            `${tasks} tasks, all stale; pages of ${pageSize} with a sentence for each cause, ${Math.round(body.length / 1024)} KiB`,
            `${rounds} in turn: ${spread(page.ours)} ms beside ${spread(page.baseline)} ms`,
            `all ${Math.ceil(tasks / pageSize)} pages, one after the other: ${whole.toFixed(2)} s`,
          ],
        },
        {
          figure: 'plinth stale of one team of forty',
          unit: 'ms',
          measured: listed,
          baseline: median(commands.baseline),
          beside: 'node -e 0',
          ratio: commands.ratio,
          goal: below(listed, 1000, 'ms'),
          notes: [`from the spawn to the end, ${spread(commands.ours)} ms: the table of ${tasks / 40} tasks, with why`],
        },
      ];
    } finally {
      await services.stop();
    }
  },
};

/** Milliseconds from the spawn to the end. */
const untilEnd = async (args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> => {
  const began = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}.`);
  return performance.now() - began;
};
