import { Argument, type Command } from 'commander';
import type { CallInput } from '#libs/contracts';
import { sourceOf } from '../build/source.js';
import { command } from '../command.js';
import { usageError } from '../errors.js';
import { collect, negatedOption, nonEmpty, platform, teamName, wholeNumber } from '../parsers.js';
import { buildArgument, givenSecret, plainArguments, type GivenArgument } from '../requests/arguments.js';
import { dryRun, sendsNothing } from '../requests/dry-run.js';
import { withRegistry } from '../requests/image-names.js';
import { addRunOptions, finish, type RunOptions } from './runs/started.js';
import { addAzureOptions, addForeignOptions, refuseForeign, type AzureOptions } from './task/azure.js';

interface Options extends AzureOptions, Omit<RunOptions, 'timeout'> {
  readonly image?: readonly string[];
  readonly file?: string;
  readonly buildArg?: readonly GivenArgument[];
  readonly secretBuildArg?: readonly GivenArgument[];
  readonly target?: string;
  readonly platform?: readonly string[];
  readonly push: boolean | null;
  readonly cache: boolean | null;
  readonly timeout?: number;
  readonly agentPool?: string;
  readonly team?: string;
  readonly dryRun?: boolean;
}

const platforms = collect(platform);

const secretArguments = (given: readonly GivenArgument[] | undefined) =>
  (given ?? []).map(({ name, value = '' }) => {
    const { ref, value: plain } = givenSecret(value, name);
    if (plain === undefined && ref !== '') return { name, isSecret: true, secretRef: ref };
    throw usageError(
      `--secret-build-arg ${name}: a build without a task takes secrets by reference.`,
      `store it with plinth secret set NAME, and give ${name}=secret:NAME`,
    );
  });

export default command<Options, [string]>({
  describe: (build: Command) =>
    addForeignOptions(addRunOptions(addAzureOptions(build)))
      .addArgument(new Argument('<context>', 'a folder, a git URL, or the URL of a .tar.gz').argParser(nonEmpty))
      .option('-t, --image <name>', 'image to push; may contain {{.Run.ID}}; repeat for several', collect(nonEmpty))
      .option('-f, --file <file>', 'Dockerfile', nonEmpty)
      .option('--build-arg <name=value>', 'build argument; repeat for several', collect(buildArgument))
      .option(
        '--secret-build-arg <name=secret:NAME>',
        'secret build argument: secret:NAME, env:NAME or file:/path',
        collect(buildArgument),
      )
      .option('--target <stage>', 'build stage', nonEmpty)
      .option('--platform <os/arch>', 'platform to build for; repeat for several', (text: string, before?: string[]) =>
        platforms(/\//.test(text) ? text.toLowerCase() : `${text.toLowerCase()}/amd64`, before),
      )
      .addOption(negatedOption('--no-push', 'build without pushing'))
      .addOption(negatedOption('--no-cache', 'build without cache'))
      .option('--timeout <seconds>', 'seconds until the build is given up', wholeNumber(300, 28_800, 'seconds'))
      .option('--agent-pool <pool>', 'pool of builders that runs it', nonEmpty)
      .option('--team <team>', "owning team; the token's unless said", teamName)
      .option(...sendsNothing),

  async run(session, options, context) {
    refuseForeign(options, (text) => session.printer.note(text));
    const { image, file, target, platform: platformList, timeout, agentPool, team, push } = options;
    const images = push === false ? undefined : await withRegistry(session, image, options.registry);
    const isPushed = images !== undefined && images.length > 0;
    if (!isPushed && push !== false)
      session.printer.note('No image name is given (-t): the image is built and not pushed.');
    const secrets = secretArguments(options.secretBuildArg);
    const { contextPath, dockerFilePath } = await sourceOf(session, context, file, { dryRun: options.dryRun ?? false });
    const input: CallInput<'scheduleRun'> = {
      type: 'DockerBuildRequest',
      sourceLocation: contextPath,
      dockerFilePath,
      isPushEnabled: isPushed,
      ...(images === undefined ? {} : { imageNames: images }),
      arguments: [...plainArguments(options.buildArg, session.io.env), ...secrets],
      ...(options.cache === false ? { noCache: true } : {}),
      ...(target === undefined ? {} : { target }),
      ...(platformList === undefined ? {} : { platforms: [...platformList] }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(agentPool === undefined ? {} : { agentPoolName: agentPool }),
      ...(team === undefined ? {} : { team }),
    };
    if (options.dryRun) return dryRun(session, 'scheduleRun', input);
    const run = await (await session.client()).scheduleRun(input);
    const { logs, wait } = options;
    return finish(session, run, { ...(logs === undefined ? {} : { logs }), ...(wait === undefined ? {} : { wait }) });
  },
});
