import type { Command } from 'commander';
import { command } from '../../command.js';
import { taskFields } from '../../views/task.js';
import { addAzureOptions } from './azure.js';
import { named, nameOf, type Named } from './named.js';

export default command<Named, [string | undefined]>({
  describe: (show: Command) => named(addAzureOptions(show)),

  watches: 'task,run,tag,rebuild',

  async run({ client, printer }, options, argument) {
    const task = await (await client()).getTask({ name: nameOf(options, argument) });
    await printer.show({ item: task, name: task.name, fields: taskFields(task) });
  },
});
