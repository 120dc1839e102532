import { Argument, type Command } from 'commander';
import type { Output } from '#libs/contracts';
import { asOfOption, momentOf, type AsOf } from '../as-of.js';
import { command } from '../command.js';
import { tableLines, type Column } from '../output/table.js';
import { familiar } from '../output/words.js';
import { wholePages } from '../pages.js';
import { nonEmpty } from '../parsers.js';

interface Options extends AsOf {
  readonly task?: boolean;
}
type Impacted = Output<'getImpact'>['tasks'][number];

const whole = (seconds: number | null): string => (seconds === null ? '' : `${Math.round(seconds)}s`);

const columns: readonly Column<Impacted>[] = [
  { title: 'level', value: ({ level }) => level },
  { title: 'task', value: ({ task }) => task },
  { title: 'stands on', value: ({ through }) => through.map(familiar).join(', ') },
  { title: 'starts after', value: ({ startsAfterSeconds }) => whole(startsAfterSeconds) },
  { title: 'usually takes', value: ({ usualSeconds }) => whole(usualSeconds) },
  { title: 'not rebuilt', value: ({ held }) => held },
  { title: 'team', value: ({ team }) => team, wide: true },
  { title: 'pool', value: ({ pool }) => pool, wide: true },
];

export default command<Options, [string]>({
  describe: (impact: Command) =>
    impact
      .addArgument(new Argument('<image>', 'an image, or a task: what it pushes').argParser(nonEmpty))
      .option('--task', 'it is a task, whatever its name looks like')
      .addOption(asOfOption()),

  async run({ client, printer }, { task, asOf }, word) {
    const plinth = await client();
    // A name without the marks of a reference is a task.
    const subject = task || !/[/:@.]/.test(word) ? { task: word } : { reference: word };
    const answer = await wholePages(
      (page) => plinth.getImpact({ ...subject, ...page, ...momentOf({ asOf }) }),
      'tasks',
    );
    if (printer.format !== 'table' && printer.format !== 'wide') {
      return printer.show({ item: answer, name: answer.references.join('\n'), fields: [] });
    }
    printer.lines([answer.text]);
    if (answer.tasks.length === 0) return;
    const wide = printer.format === 'wide';
    printer.lines(['', ...tableLines(answer.tasks, columns, { wide, colour: printer.colour })]);
  },
});
