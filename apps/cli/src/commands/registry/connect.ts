import { createHash, randomBytes } from 'node:crypto';
import { Argument, Option, type Command } from 'commander';
import type { CallInput, RegistryView } from '#libs/contracts';
import { command } from '../../command.js';
import { usageError } from '../../errors.js';
import { ticks } from '../../follow/ticks.js';
import { until } from '../../follow/until.js';
import { duration, nonEmpty, oneOf, registryHost } from '../../parsers.js';
import { dryRun } from '../../requests/dry-run.js';
import { connectable, snippets, type Connectable } from './snippets.js';

interface Options {
  readonly dialect?: Connectable;
  readonly url?: string;
  readonly wait: boolean;
  readonly timeout?: number;
  readonly dryRun?: boolean;
}

/** Which kind of registry it is, as far as that is known. @throws CliError (usage) */
const dialectOf = ({ host, kind, notifications }: RegistryView, asked: Connectable | undefined): Connectable => {
  const known = connectable.find((one) => one === notifications?.dialect);
  const found = asked ?? known ?? (host === 'docker.io' ? 'dockerhub' : undefined);
  if (found) return found;
  if (kind === 'Distribution') return 'distribution';
  throw usageError(
    `What ${host} runs is not known.`,
    `say it with --dialect: ${connectable.join(', ')}; others are in docs/registries.md`,
  );
};

const hashOf = (key: string): string => `sha256:${createHash('sha256').update(key, 'utf8').digest('hex')}`;

/** Name of the stored secret: of the allowed letters, and always the same for a registry. */
const secretNameOf = (host: string): string => `notifications-${host.replace(/[^A-Za-z0-9._-]/g, '-')}`.slice(0, 63);

export default command<Options, [string]>({
  describe: (connect: Command) =>
    connect
      .addArgument(new Argument('<registry>', 'its host').argParser(registryHost))
      .addOption(
        new Option('--dialect <dialect>', 'what it runs, where that is not known').argParser(oneOf(...connectable)),
      )
      .option('--url <url>', 'where the registry reaches Plinth; the server that is in use unless said', nonEmpty)
      .option('--no-wait', 'print what to set up, and do not wait for the first notification')
      .option('--timeout <time>', 'wait so long at most, such as 10m', duration)
      .option('--dry-run', 'print what would be sent, and send nothing')
      .addHelpText('after', '\nWhat is printed has a new secret in it; the one before it counts no more.'),

  async run(session, options, host) {
    const plinth = await session.client();
    const registry = await plinth.getRegistry({ host });
    const dialect = dialectOf(registry, options.dialect);
    const secret = randomBytes(32).toString('hex');
    const name = secretNameOf(host);
    const proof = dialect === 'dockerhub' ? { keyHash: hashOf(secret) } : { secret: name };
    const rewrites = registry.notifications?.rewrites;
    const notifications = { dialect, ...proof, ...(rewrites === undefined ? {} : { rewrites }) };
    const input: CallInput<'updateRegistry'> = { host, notifications };
    if (options.dryRun) return dryRun(session, 'updateRegistry', input);
    if (dialect !== 'dockerhub') await plinth.setSecret({ name, value: secret });
    const { hookPath, lastNotificationAt: before } = await plinth.updateRegistry(input);

    const server = options.url ?? (await session.connection()).server;
    const url = `${server.replace(/\/$/, '')}${(hookPath ?? '').replace('•••', secret)}`;
    const snippet = snippets[dialect]({ url, secret });
    await session.printer.item({ host, dialect, url, snippet }, () => snippet);
    if (!options.wait) return;

    session.printer.note(
      `Waiting for the first notification of ${host}; push something to it. Ctrl-C ends the waiting alone.`,
    );
    const at = await until(
      session,
      {
        timeoutMs: options.timeout,
        what: `the first notification of ${host}`,
        late: `${host} has sent no notification in the time given.`,
        goOn: `plinth registry show ${host}`,
      },
      async (signal) => {
        for await (const _position of ticks(session, { types: 'tag', signal })) {
          const { lastNotificationAt } = await plinth.getRegistry({ host }, { signal });
          if (lastNotificationAt !== null && lastNotificationAt !== before) return lastNotificationAt;
        }
        return undefined;
      },
    );
    session.printer.note(`Verified at ${at}: ${host} notifies.`);
  },
});
