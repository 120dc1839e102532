import { Argument, type Command } from 'commander';
import type { Output } from '#libs/contracts';
import { command } from '../../command.js';
import { fieldLines, tableLines, type Column } from '../../output/table.js';
import { statusColour } from '../../output/colour.js';
import { nonEmpty } from '../../parsers.js';
import { waveFields } from '../../views/wave.js';

type Wave = Output<'getWave'>;

const columns: readonly Column<Wave['members'][number]>[] = [
  { title: 'level', value: ({ level }) => level },
  { title: 'task', value: ({ task }) => task },
  { title: 'status', value: ({ status }) => status, paint: statusColour },
  { title: 'run', value: ({ run }) => run },
];

/** What people see of a wave: what it is, and each of its tasks. */
export const waveLines = (wave: Wave, colour: boolean): string[] => [
  ...fieldLines(waveFields(wave, new Date())),
  ...(wave.members.length === 0 ? [] : ['', ...tableLines(wave.members, columns, { colour })]),
];

export default command<object, [string]>({
  describe: (show: Command) => show.addArgument(new Argument('<wave>', 'id of the wave').argParser(nonEmpty)),

  async run({ client, printer }, _options, id) {
    const wave = await (await client()).getWave({ wave: id });
    if (printer.format === 'table' || printer.format === 'wide') return printer.lines(waveLines(wave, printer.colour));
    await printer.show({ item: wave, name: wave.wave, fields: [] });
  },
});
