import type { Command } from 'commander';
import { command } from '../../command.js';
import { taskFields } from '../../views/task.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';
import { named, nameOf, type Named } from './named.js';

export default command<Named & { readonly dryRun?: boolean }, [string | undefined]>({
  describe: (reset: Command) => named(reset).option(...sendsNothing),

  async run(session, options, argument) {
    const input = { name: nameOf(options, argument) };
    if (options.dryRun) return dryRun(session, 'resetTask', input);
    const task = await (await session.client()).resetTask(input);
    await session.printer.show({ item: task, name: task.name, fields: taskFields(task) });
  },
});
