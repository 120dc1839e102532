import type { Command } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { command } from '../command.js';
import { acrNotes, differenceLines, summaryOf } from '../views/applied.js';
import {
  addFileOptions,
  addSetOptions,
  readResources,
  setOptions,
  type FileOptions,
  type SetOptions,
} from './files.js';

export default command<FileOptions & SetOptions>({
  describe: (diff: Command) =>
    addSetOptions(addFileOptions(diff)).addHelpText(
      'after',
      '\nExit code 6 when there are differences, 0 when there are none.',
    ),

  async run(session, options) {
    const { printer } = session;
    const { applyResources } = await import('#libs/declarative');
    const { resources, acr } = await readResources(session, options);
    for (const line of acrNotes(acr)) printer.note(line);
    const applied = await applyResources(await session.client(), resources, { ...setOptions(options), dryRun: true });
    const differing = applied.resources.filter(({ action }) => action !== 'Unchanged');
    if (printer.format === 'json' || printer.format === 'yaml') await printer.value({ ...applied, acr });
    else if (printer.format === 'name') printer.lines(differing.map(({ type, name }) => `${type}/${name}`));
    else printer.lines(differing.flatMap((one) => differenceLines(one, printer.colour)));
    printer.note(summaryOf(applied));
    return differing.length > 0 ? exitCodes.findings : exitCodes.ok;
  },
});
