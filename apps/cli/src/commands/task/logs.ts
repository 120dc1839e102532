import type { Command } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { command } from '../../command.js';
import { CliError, usageError } from '../../errors.js';
import { nonEmpty, runId, taskName } from '../../parsers.js';
import { withRegistry } from '../../requests/image-names.js';
import { printLogs } from '../runs/logs.js';
import { printSteps } from '../runs/steps.js';
import { addAzureOptions, addForeignOptions, refuseForeign, type AzureOptions } from './azure.js';

interface Options extends AzureOptions {
  readonly name?: string;
  readonly runId?: string;
  readonly image?: string;
  readonly follow?: boolean;
  readonly steps?: boolean;
}

export default command<Options>({
  describe: (logs: Command) =>
    addForeignOptions(addAzureOptions(logs))
      .option('-n, --name <task>', 'the newest run of this task', taskName)
      .option('--run-id <run>', 'this run', runId)
      .option('--image <image>', 'the newest run that pushed this name', nonEmpty)
      .option('-f, --follow', 'wait for more until the run ends')
      .option('--steps', 'its steps, with what they took, instead of what they printed'),

  async run(session, options) {
    refuseForeign(options, (text) => session.printer.note(text));
    const { name, runId: id, follow = false, steps = false } = options;
    if (steps && follow) throw usageError('--steps and -f cannot be given together.', 'give one of them');
    const print = (run: string) => (steps ? printSteps(session, run) : printLogs(session, run, { follow }));
    if (id !== undefined) return print(id);
    const [image] =
      (await withRegistry(session, options.image === undefined ? undefined : [options.image], options.registry)) ?? [];
    const { runs } = await (
      await session.client()
    ).listRuns({
      pageSize: 1,
      ...(name === undefined ? {} : { task: name }),
      ...(image === undefined ? {} : { image }),
    });
    if (!runs[0]) throw new CliError('There is no such run.', exitCodes.notFound, 'plinth runs list');
    session.printer.progress(`The ${steps ? 'steps' : 'log'} of run ${runs[0].runId}:`);
    return print(runs[0].runId);
  },
});
