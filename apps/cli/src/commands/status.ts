import type { Command } from 'commander';
import type { Client } from '#libs/client';
import { command } from '../command.js';
import { watch } from '../follow/screen.js';
import { fieldLines } from '../output/table.js';
import { plural } from '../output/words.js';
import { duration } from '../parsers.js';

interface Options {
  readonly watch?: boolean;
  readonly timeout?: number;
}

/** More runs than this are said to be that many or more. */
const counted = 100;

const summary = async (plinth: Client, server: string) => {
  const [{ counts }, { waves }, queued, started, running, { registries }, { preset, policies }] = await Promise.all([
    plinth.listStates({ pageSize: 1 }),
    plinth.listWaves({ open: true, pageSize: counted }),
    plinth.listRuns({ status: 'Queued', pageSize: counted }),
    plinth.listRuns({ status: 'Started', pageSize: counted }),
    plinth.listRuns({ status: 'Running', pageSize: counted }),
    plinth.listRegistries({ pageSize: 1000 }),
    plinth.listPolicies({ pageSize: 1000 }),
  ]);
  return {
    server,
    states: counts,
    runs: { queued: queued.runs.length, running: started.runs.length + running.runs.length },
    openWaves: waves.length,
    policy: { preset, policies: policies.length },
    registries: registries.map(({ host, lastError }) => ({ host, lastError })),
  };
};
type Summary = Awaited<ReturnType<typeof summary>>;

const atMost = (count: number): string => (count >= counted ? `${counted} or more` : String(count));

const fieldsOf = ({
  server,
  states,
  runs,
  openWaves,
  policy,
  registries,
}: Summary): (readonly [string, string | string[]])[] => {
  const total = Object.values(states).reduce((sum, count) => sum + count, 0);
  const parts = Object.entries(states).filter(([, count]) => count > 0);
  const failing = registries.filter(({ lastError }) => lastError !== null);
  return [
    ['Server', server],
    ['Tasks', total === 0 ? 'none yet' : `${total}: ${parts.map(([state, count]) => `${count} ${state}`).join(', ')}`],
    ['Runs', `${atMost(runs.running)} running, ${atMost(runs.queued)} queued`],
    ['Open waves', atMost(openWaves)],
    [
      'Policy',
      `preset ${policy.preset}${policy.policies === 0 ? '' : `, ${plural(policy.policies, 'policy', 'policies')}`}`,
    ],
    ['Registries', registries.length === 0 ? 'none known' : plural(registries.length, 'registry', 'registries')],
    ['Failing', failing.map(({ host, lastError }) => `${host}: ${lastError}`)],
  ];
};

export default command<Options>({
  describe: (status: Command) =>
    status
      .option('-w, --watch', 'show it again whenever it changes, until Ctrl-C')
      .option('--timeout <time>', 'watch so long at most, such as 10m', duration),

  async run(session, options) {
    const plinth = await session.client();
    const { server } = await session.connection();
    if (!options.watch) {
      const item = await summary(plinth, server);
      return session.printer.show({ item, name: server, fields: fieldsOf(item) });
    }
    await watch(session, {
      types: 'task,run,tag,wave,rebuild,registry,policy',
      what: 'the status',
      goOn: 'plinth status --watch',
      timeoutMs: options.timeout,
      read: () => summary(plinth, server),
      lines: (value) => fieldLines(fieldsOf(value)),
      isOver: () => false,
    });
  },
});
