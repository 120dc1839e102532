import type { Command } from 'commander';
import { command } from '../../command.js';
import { taskFields } from '../../views/task.js';
import { named, nameOf, type Named } from './named.js';

export default command<Named, [string | undefined]>({
  describe: (reset: Command) => named(reset),

  async run({ client, printer }, options, argument) {
    const task = await (await client()).resetTask({ name: nameOf(options, argument) });
    await printer.show({ item: task, name: task.name, fields: taskFields(task) });
  },
});
