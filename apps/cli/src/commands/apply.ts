import type { Command } from 'commander';
import { command } from '../command.js';
import {
  addFileOptions,
  addSetOptions,
  readResources,
  setOptions,
  type FileOptions,
  type SetOptions,
} from './files.js';
import { acrNotes, changeColumns, missingNotes, summaryOf } from '../views/applied.js';

interface Options extends FileOptions, SetOptions {
  readonly dryRun?: boolean;
}

export default command<Options>({
  describe: (apply: Command) =>
    addSetOptions(addFileOptions(apply))
      .option('--dry-run', 'check everything and print what would change; change nothing')
      .addHelpText(
        'after',
        `
Examples:
  plinth apply -f tasks.yaml
  plinth apply -f registries.yaml -f tasks/ --set shop --prune
  az acr task list -r myregistry -o json | plinth apply -f -`,
      ),

  async run(session, options) {
    const { printer } = session;
    const { applyResources } = await import('#libs/declarative');
    const { resources, acr } = await readResources(session, options);
    for (const line of acrNotes(acr)) printer.note(line);
    if (resources.length === 0 && !options.prune) {
      printer.note('There is nothing to apply in these files.');
      if (printer.format === 'json' || printer.format === 'yaml') await printer.value({ resources: [], acr });
      return;
    }
    const dryRun = options.dryRun ?? false;
    const applied = await applyResources(await session.client(), resources, { ...setOptions(options), dryRun });
    for (const line of missingNotes(applied)) printer.note(line);
    if (printer.format === 'json' || printer.format === 'yaml') return printer.value({ ...applied, acr });
    await printer.list({
      items: applied.resources.filter(({ action }) => action !== 'Unchanged' || printer.format !== 'table'),
      columns: changeColumns,
      name: ({ type, name }) => `${type}/${name}`,
      empty: 'Nothing to change.',
    });
    printer.note(summaryOf(applied));
  },
});
