import type { Command } from 'commander';
import type { CallInput } from '#libs/contracts';
import { sourceOf } from '../../build/source.js';
import { command } from '../../command.js';
import { usageError } from '../../errors.js';
import { storeSecrets } from '../../requests/arguments.js';
import { dryRun, validated } from '../../requests/dry-run.js';
import { taskFields } from '../../views/task.js';
import { addAzureOptions, addForeignOptions, refuseForeign } from './azure.js';
import { named, nameOf, type Named } from './named.js';
import { addStepOptions, taskParts, type StepOptions } from './step-options.js';

interface Options extends Named, StepOptions {
  readonly ifMatch?: string;
}

const triggerOf = ({ baseImageTriggerEnabled, baseImageTriggerType, baseImageTriggerName }: Options) => {
  const change = {
    ...(baseImageTriggerEnabled === undefined
      ? {}
      : ({ status: baseImageTriggerEnabled ? 'Enabled' : 'Disabled' } as const)),
    ...(baseImageTriggerType === undefined ? {} : { baseImageTriggerType }),
    ...(baseImageTriggerName === undefined ? {} : { name: baseImageTriggerName }),
  };
  return Object.keys(change).length === 0 ? {} : { trigger: { baseImageTrigger: change } };
};

export default command<Options, [string | undefined]>({
  describe: (update: Command) =>
    addForeignOptions(addStepOptions(addAzureOptions(named(update))))
      .option('--if-match <etag>', 'change only this version of the task')
      .addHelpText(
        'after',
        '\nWhat is not named stays. --arg and --secret-arg together replace the whole list of arguments, as in az.',
      ),

  async run(session, options, argument) {
    const { printer } = session;
    const name = nameOf(options, argument);
    refuseForeign(options, (text) => printer.note(text));
    const { secrets, step, task } = await taskParts(session, options, name);
    const isDry = options.dryRun ?? false;
    const plinth = await session.client();
    const sourceParts = async (dry: boolean) => {
      if (options.context === undefined) return options.file === undefined ? {} : { dockerFilePath: options.file };
      const file = options.file ?? (dry ? undefined : (await plinth.getTask({ name })).step.dockerFilePath);
      return sourceOf(session, options.context, file, { dryRun: dry });
    };
    const request = (source: object): CallInput<'updateTask'> => {
      const changed = { ...source, ...step };
      return { name, ...task, ...(Object.keys(changed).length === 0 ? {} : { step: changed }), ...triggerOf(options) };
    };
    if (isDry || secrets.length > 0) {
      const input = request(await sourceParts(true));
      if (isDry) return dryRun(session, 'updateTask', input);
      await validated('updateTask', input);
      const { team } = await plinth.getTask({ name });
      await storeSecrets(session, secrets, team);
    }
    const input = request(await sourceParts(false));
    if (Object.keys(input).length === 1) throw usageError('Nothing is to be changed.', 'plinth task update --help');
    const updated = await plinth.updateTask(input, options.ifMatch === undefined ? {} : { ifMatch: options.ifMatch });
    await printer.show({ item: updated, name, fields: taskFields(updated) });
  },
});
