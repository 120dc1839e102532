import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { command } from '../../command.js';
import { accessName, duration, oneOf, teamName } from '../../parsers.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';

interface Options {
  readonly scope: 'read' | 'run' | 'write' | 'admin';
  readonly team?: string;
  readonly expires?: string;
  readonly dryRun?: boolean;
}

/** A time to live, or a moment. */
const moment = (text: string): string => {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  if (days !== undefined) return new Date(Date.now() + Number(days) * 86_400_000).toISOString();
  if (/^\d+[hms]?/.test(text) && !text.includes('-')) return new Date(Date.now() + duration(text)).toISOString();
  const time = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? new Date(text) : undefined;
  if (!time || Number.isNaN(time.getTime()))
    throw new InvalidArgumentError('expected 90d, 12h, or a time such as 2030-01-31');
  if (time.getTime() <= Date.now()) throw new InvalidArgumentError('expected a time that is to come');
  return time.toISOString();
};

export default command<Options, [string]>({
  describe: (create: Command) =>
    create
      .addArgument(new Argument('<name>', 'name of the token').argParser(accessName))
      .addOption(
        new Option('--scope <scope>', 'what it allows: read, run, write or admin; each includes those before it')
          .argParser(oneOf('read', 'run', 'write', 'admin'))
          .makeOptionMandatory(),
      )
      .option('--team <team>', 'team that it acts for', teamName)
      .option('--expires <time>', 'when it ends: 90d, 12h or 2030-01-31; never unless said', moment)
      .option(...sendsNothing),

  async run(session, { scope, team, expires, dryRun: isDry }, name) {
    const input = {
      name,
      scope,
      ...(team === undefined ? {} : { team }),
      ...(expires === undefined ? {} : { expiresAt: expires }),
    };
    if (isDry) return dryRun(session, 'createToken', input);
    const token = await (await session.client()).createToken(input);
    if (session.printer.format === 'table' || session.printer.format === 'wide') session.printer.lines([token.token]);
    else await session.printer.show({ item: token, name, fields: [] });
    session.printer.note(`This is the token ${name} (${token.scope}, team ${token.team}). It is shown this once.`);
  },
});
