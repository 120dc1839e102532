import type { Command } from 'commander';
import type { CallInput } from '#libs/contracts';
import { exitCodes, isPlinthError } from '#libs/contracts/light';
import { sourceOf } from '../../build/source.js';
import { command } from '../../command.js';
import { CliError, usageError } from '../../errors.js';
import { teamName } from '../../parsers.js';
import { storeSecrets } from '../../requests/arguments.js';
import { dryRun, validated } from '../../requests/dry-run.js';
import type { Session } from '../../session.js';
import { taskFields } from '../../views/task.js';
import { addAzureOptions, addForeignOptions, refuseForeign } from './azure.js';
import { named, nameOf, type Named } from './named.js';
import { addStepOptions, taskParts, type StepOptions } from './step-options.js';

interface Options extends Named, StepOptions {
  readonly team?: string;
}

/** Secrets are stored before the task that names them; a task that is there already must keep its own. */
const requireNew = async (session: Session, name: string): Promise<void> => {
  try {
    await (await session.client()).getTask({ name });
  } catch (error) {
    if (isPlinthError(error) && error.code === 'NOT_FOUND') return;
    throw error;
  }
  throw new CliError(`There is a task ${name} already.`, exitCodes.conflict, `plinth task update -n ${name}`);
};

const triggerOf = ({ baseImageTriggerEnabled, baseImageTriggerType, baseImageTriggerName }: Options) => {
  if (baseImageTriggerEnabled === false) return { trigger: { baseImageTrigger: null } };
  if (baseImageTriggerType === undefined && baseImageTriggerName === undefined) return {};
  return {
    trigger: {
      baseImageTrigger: {
        ...(baseImageTriggerType === undefined ? {} : { baseImageTriggerType }),
        ...(baseImageTriggerName === undefined ? {} : { name: baseImageTriggerName }),
      },
    },
  };
};

export default command<Options, [string | undefined]>({
  describe: (create: Command) =>
    addForeignOptions(addStepOptions(addAzureOptions(named(create))))
      .option('--team <team>', "owning team; the token's unless said", teamName)
      .addHelpText(
        'after',
        '\nExample:\n  plinth task create -n web -r registry.local:5000 -t web:{{.Run.ID}} -t web:stable \\\n    -c https://git.example.com/team/web.git#main -f Dockerfile',
      ),

  async run(session, options, argument) {
    const { printer } = session;
    const name = nameOf(options, argument);
    refuseForeign(options, (text) => printer.note(text));
    if (options.context === undefined) throw usageError('--context is missing.', 'give a git URL or a folder');
    const { secrets, step, task } = await taskParts(session, options, name);
    const isDry = options.dryRun ?? false;
    const request = (contextPath: string, dockerFilePath: string): CallInput<'createTask'> => ({
      name,
      ...(options.team === undefined ? {} : { team: options.team }),
      ...task,
      step: { type: 'Docker', contextPath, dockerFilePath, ...step },
      ...triggerOf(options),
    });
    if (isDry || secrets.length > 0) {
      const { contextPath, dockerFilePath } = await sourceOf(session, options.context, options.file, { dryRun: true });
      const input = request(contextPath, dockerFilePath);
      if (isDry) return dryRun(session, 'createTask', input);
      await validated('createTask', input);
      await requireNew(session, name);
      await storeSecrets(session, secrets, options.team);
    }
    const { contextPath, dockerFilePath } = await sourceOf(session, options.context, options.file);
    const created = await (await session.client()).createTask(request(contextPath, dockerFilePath));
    if (/\.git(#|$)/.test(contextPath)) {
      printer.note('Commits do not start tasks yet: this one runs when its base image moves, or by hand.');
    }
    await printer.show({ item: created, name, fields: taskFields(created) });
    printer.note(`Build it once: plinth task run -n ${name}`);
  },
});
