import { Option, type Command } from 'commander';
import type { CallInput } from '#libs/contracts';
import { sourceOf } from '../../build/source.js';
import { command } from '../../command.js';
import { usageError } from '../../errors.js';
import { collect, duration, nonEmpty } from '../../parsers.js';
import { buildArgument, type GivenArgument } from '../../requests/arguments.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';
import { addRunOptions, finish, type RunOptions } from '../runs/started.js';
import { addAzureOptions, addForeignOptions, refuseForeign, type AzureOptions } from './azure.js';
import { named, nameOf, type Named } from './named.js';
import { argumentsOf } from './step-options.js';

interface Options extends Named, AzureOptions, RunOptions {
  readonly context?: string;
  readonly file?: string;
  readonly target?: string;
  readonly arg?: readonly GivenArgument[];
  readonly secretArg?: readonly GivenArgument[];
  readonly dryRun?: boolean;
}

export default command<Options, [string | undefined]>({
  describe: (run: Command) =>
    addRunOptions(addForeignOptions(addAzureOptions(named(run))))
      .option('-c, --context <path>', 'another context for this run: a git URL or a folder', nonEmpty)
      .option('-f, --file <file>', 'another Dockerfile for this run', nonEmpty)
      .option('--target <stage>', 'another build stage for this run', nonEmpty)
      .option('--arg <name=value>', 'build argument for this run', collect(buildArgument))
      .option(
        '--secret-arg <name=secret:NAME>',
        "secret build argument for this run: one of the task's secrets",
        collect(buildArgument),
      )
      .addOption(new Option('--agent-pool <pool>', 'the pool of the task counts').hideHelp())
      .option('--timeout <time>', 'wait so long for its end, such as 10m', duration)
      .option(...sendsNothing),

  async run(session, options, argument) {
    const name = nameOf(options, argument);
    refuseForeign(options, (text) => session.printer.note(text));
    const { list, secrets } = argumentsOf(session, options, name);
    if (secrets.some(({ value }) => value !== undefined)) {
      throw usageError(
        '--secret-arg: a run takes secrets that its task uses, by name.',
        `give NAME=secret:NAME, or change the task: plinth task update -n ${name} --secret-arg …`,
      );
    }
    const isDry = options.dryRun ?? false;
    const source =
      options.context === undefined
        ? undefined
        : await sourceOf(session, options.context, options.file, { dryRun: isDry });
    const override = {
      ...(source === undefined ? {} : { contextPath: source.contextPath }),
      ...((source?.dockerFilePath ?? options.file) === undefined
        ? {}
        : { file: source?.dockerFilePath ?? options.file }),
      ...(options.target === undefined ? {} : { target: options.target }),
      ...(list === undefined ? {} : { arguments: list }),
    };
    const input: CallInput<'runTask'> = {
      name,
      ...(Object.keys(override).length === 0 ? {} : { overrideTaskStepProperties: override }),
    } as CallInput<'runTask'>;
    if (isDry) return dryRun(session, 'runTask', input);
    const run = await (await session.client()).runTask(input);
    return finish(session, run, options);
  },
});
