import { Argument, InvalidArgumentError, type Command } from 'commander';
import type { Output } from '#libs/contracts';
import { exitCodes } from '#libs/contracts/light';
import { asOfOption, momentOf, type AsOf } from '../as-of.js';
import { command } from '../command.js';
import { tableLines, type Column } from '../output/table.js';
import { familiar, shortDigest, toSecond } from '../output/words.js';
import { wholePages } from '../pages.js';

interface Options extends AsOf {
  readonly all?: boolean;
  readonly failOnAny?: boolean;
}
type Containing = Output<'listContaining'>['images'][number];

/** `sha256:…`, or an image with it. */
const digestOf = (text: string): string => {
  const digest = /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(text)?.[1];
  if (digest === undefined) {
    throw new InvalidArgumentError('expected a digest such as sha256:<64 hex characters>, or an image with one');
  }
  return digest;
};

const columns: readonly Column<Containing>[] = [
  { title: 'image', value: ({ reference }) => familiar(reference) },
  { title: 'digest', value: ({ digest }) => shortDigest(digest) },
  { title: 'level', value: ({ depth }) => depth },
  { title: 'task', value: ({ task }) => task },
  { title: 'run', value: ({ run }) => run },
  { title: 'built', value: ({ builtAt }) => toSecond(builtAt) },
  { title: 'stands', value: ({ standing }) => (standing ? 'yes' : 'replaced'), wide: true },
  { title: 'through', value: ({ through }) => shortDigest(through), wide: true },
];

export default command<Options, [string]>({
  describe: (contains: Command) =>
    contains
      .addArgument(new Argument('<digest>', 'digest of an image, of an index or of one platform').argParser(digestOf))
      .option('--all', 'also images that a later push has replaced')
      .option('--fail-on-any', 'exit with 6 when an image still stands on it')
      .addOption(asOfOption()),

  async run({ client, printer }, { all, failOnAny, asOf }, digest) {
    const plinth = await client();
    const answer = await wholePages(
      (page) => plinth.listContaining({ digest, ...page, ...(all ? { all } : {}), ...momentOf({ asOf }) }),
      'images',
    );
    const { images, standing } = answer;
    if (printer.format === 'name') printer.lines(images.map((image) => `${image.reference}@${image.digest}`));
    else if (printer.format !== 'table' && printer.format !== 'wide') {
      await printer.show({ item: answer, name: digest, fields: [] });
    } else {
      printer.lines([answer.text]);
      const wide = printer.format === 'wide';
      if (images.length > 0) printer.lines(['', ...tableLines(images, columns, { wide, colour: printer.colour })]);
    }
    return failOnAny && standing > 0 ? exitCodes.findings : exitCodes.ok;
  },
});
