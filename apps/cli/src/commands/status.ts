import type { Client } from '#libs/client';
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

export default command({
  watches: 'task,run,tag,wave,rebuild,registry,policy',

  async run({ client, connection, printer }) {
    const { server } = await connection();
    const item = await summary(await client(), server);
    await printer.show({ item, name: server, fields: fieldsOf(item) });
  },
});
