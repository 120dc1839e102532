import { Option, type Command } from 'commander';
import type { CallInput, Output } from '#libs/contracts';
import { asOfOption, momentOf, type AsOf } from '../as-of.js';
import { command } from '../command.js';
import { statusColour } from '../output/colour.js';
import { tableLines, type Column } from '../output/table.js';
import { familiar, toSecond } from '../output/words.js';
import { wholePages } from '../pages.js';
import { oneOf, teamName } from '../parsers.js';

type Current = Output<'getCurrent'>;
type Grade = NonNullable<CallInput<'getCurrent'>['grade']>;
interface Options extends AsOf {
  readonly team?: string;
  readonly images?: boolean;
  readonly grade?: Grade;
}

const teams: readonly Column<Current['teams'][number]>[] = [
  { title: 'team', value: ({ team }) => team },
  { title: 'fresh', value: ({ fresh, total }) => `${fresh} of ${total}` },
  { title: 'share', value: ({ share }) => `${Math.floor(share * 100)} %` },
  { title: 'oldest', value: ({ oldest }) => oldest?.task },
  { title: 'since', value: ({ oldest }) => toSecond(oldest?.since) },
];
const images: readonly Column<Current['images'][number]>[] = [
  { title: 'image', value: ({ reference }) => familiar(reference) },
  { title: 'grade', value: ({ grade }) => grade },
  { title: 'state', value: ({ state }) => state, paint: statusColour },
  { title: 'since', value: ({ since }) => toSecond(since) },
  { title: 'task', value: ({ task }) => task },
  { title: 'team', value: ({ team }) => team, wide: true },
];

export default command<Options>({
  describe: (current: Command) =>
    current
      .option('--team <team>', 'only tasks of this team', teamName)
      .option('--images', 'with the grade of each image')
      .addOption(
        new Option('--grade <grade>', 'only images of this grade: A, B, C, D, F or None').argParser(
          oneOf<Grade>('A', 'B', 'C', 'D', 'F', 'None'),
        ),
      )
      .addOption(asOfOption()),

  watches: 'task,run,tag,wave,rebuild',

  async run({ client, printer }, { team, images: withImages, grade, asOf }) {
    const plinth = await client();
    const answer = await wholePages(
      (page) =>
        plinth.getCurrent({
          ...page,
          ...(team === undefined ? {} : { team }),
          ...(grade === undefined ? {} : { grade }),
          ...momentOf({ asOf }),
        }),
      'images',
    );
    if (printer.format === 'name') return printer.lines(answer.images.map(({ reference }) => reference));
    if (printer.format !== 'table' && printer.format !== 'wide') {
      return printer.show({ item: answer, name: '', fields: [] });
    }
    const style = { wide: printer.format === 'wide', colour: printer.colour };
    printer.lines([answer.text]);
    if (answer.teams.length > 0) printer.lines(['', ...tableLines(answer.teams, teams, style)]);
    if (!withImages && grade === undefined) return;
    if (answer.images.length > 0) printer.lines(['', ...tableLines(answer.images, images, style)]);
  },
});
