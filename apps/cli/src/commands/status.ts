import type { Command } from 'commander';
import type { Client } from '#libs/client';
import { asOfOption, type AsOf } from '../as-of.js';
import { command } from '../command.js';
import { plural } from '../output/words.js';

/** More waves than this are said to be that many or more. */
const counted = 100;

const summary = async (plinth: Client, server: string) => {
  const [{ counts }, { waves }, { counts: runs }, { registries }, { preset, policies }] = await Promise.all([
    plinth.listStates({ pageSize: 1 }),
    plinth.listWaves({ open: true, pageSize: counted }),
    plinth.listRuns({ pageSize: 1 }),
    plinth.listRegistries({ pageSize: 1000 }),
    plinth.listPolicies({ pageSize: 1000 }),
  ]);
  return {
    server,
    states: counts,
    runs,
    openWaves: waves.length,
    policy: { preset, policies: policies.length },
    registries: registries.map(({ host, lastError }) => ({ host, lastError })),
  };
};
type Summary = Awaited<ReturnType<typeof summary>>;

const atMost = (count: number): string => (count >= counted ? `${counted} or more` : String(count));

const tasksOf = (states: Summary['states']): string => {
  const total = Object.values(states).reduce((sum, count) => sum + count, 0);
  if (total === 0) return 'none yet';
  const parts = Object.entries(states).filter(([, count]) => count > 0);
  return `${total}: ${parts.map(([state, count]) => `${count} ${state}`).join(', ')}`;
};

const fieldsOf = ({
  server,
  states,
  runs,
  openWaves,
  policy,
  registries,
}: Summary): (readonly [string, string | string[]])[] => {
  const failing = registries.filter(({ lastError }) => lastError !== null);
  return [
    ['Server', server],
    ['Tasks', tasksOf(states)],
    ['Runs', `${runs.running} running, ${runs.queued} queued`],
    ['Open waves', atMost(openWaves)],
    [
      'Policy',
      `preset ${policy.preset}${policy.policies === 0 ? '' : `, ${plural(policy.policies, 'policy', 'policies')}`}`,
    ],
    ['Registries', registries.length === 0 ? 'none known' : plural(registries.length, 'registry', 'registries')],
    ['Failing', failing.map(({ host, lastError }) => `${host}: ${lastError}`)],
  ];
};

export default command<AsOf>({
  describe: (status: Command) => status.addOption(asOfOption()),

  watches: 'task,run,tag,wave,rebuild,registry,policy',

  async run({ client, connection, printer }, { asOf }) {
    const { server } = await connection();
    const plinth = await client();
    if (asOf === undefined) {
      const item = await summary(plinth, server);
      return printer.show({ item, name: server, fields: fieldsOf(item) });
    }
    // Of the rest the log does not tell what it was: registries answer now, and builders are there or not.
    const { counts: states } = await plinth.listStates({ pageSize: 1, asOf });
    const fields = [
      ['Server', server],
      ['As of', asOf],
      ['Tasks', tasksOf(states)],
    ] as const;
    await printer.show({ item: { server, asOf, states }, name: server, fields });
  },
});
