import { Option, type Command } from 'commander';
import { command } from '../../command.js';
import { nonEmpty, taskName, wholeNumber } from '../../parsers.js';
import { withRegistry } from '../../requests/image-names.js';
import { listRuns, runStatus, type RunStatus } from '../runs/list.js';
import { addAzureOptions, type AzureOptions } from './azure.js';

interface Options extends AzureOptions {
  readonly name?: string;
  readonly top: number;
  readonly runStatus?: RunStatus;
  readonly image?: string;
}

export default command<Options>({
  describe: (list: Command) =>
    addAzureOptions(list)
      .option('-n, --name <task>', 'only those of this task', taskName)
      .addOption(new Option('--top <count>', 'the newest so many').argParser(wholeNumber(1, 100_000)).default(15))
      .addOption(new Option('--run-status <status>', 'only those with this status').argParser(runStatus))
      .option('--image <image>', 'only those that pushed this name', nonEmpty),

  watches: 'run',

  async run(session, { name, top, runStatus: status, image, registry }) {
    const [reference] = (await withRegistry(session, image === undefined ? undefined : [image], registry)) ?? [];
    await listRuns(
      session,
      {
        ...(name === undefined ? {} : { task: name }),
        ...(status === undefined ? {} : { status }),
        ...(reference === undefined ? {} : { image: reference }),
      },
      top,
    );
  },
});
