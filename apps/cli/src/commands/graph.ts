import { Argument, Option, type Command } from 'commander';
import { exitCodes, isPlinthError } from '#libs/contracts/light';
import { asOfOption, momentOf, type AsOf } from '../as-of.js';
import { command } from '../command.js';
import { CliError } from '../errors.js';
import { statusColour } from '../output/colour.js';
import { treeOf } from '../output/tree.js';
import { familiar, plural, shortDigest } from '../output/words.js';
import { allPages } from '../pages.js';
import { nonEmpty } from '../parsers.js';
import type { Session } from '../session.js';

interface Options extends AsOf {
  readonly up?: boolean;
  readonly down?: boolean;
  readonly direct?: boolean;
  readonly task?: boolean;
}

/** A name without the marks of a reference is a task first. */
const subjectOf = (word: string, isTask: boolean | undefined): { task: string } | { reference: string } =>
  isTask || (isTask === undefined && !/[/:@.]/.test(word)) ? { task: word } : { reference: word };

const down = async ({ client, printer }: Session, word: string, options: Options): Promise<void> => {
  const plinth = await client();
  const subject = { ...subjectOf(word, options.task), ...momentOf(options) };
  const items = await allPages(
    (page) => plinth.listDependants({ ...subject, ...page, transitive: !options.direct }),
    ({ dependants }) => dependants,
  );
  await printer.list({
    items,
    rows: treeOf(
      items,
      (one) => [one.task],
      ({ upstream }) => upstream,
    ),
    columns: [
      { title: 'task', value: ({ branch, task: name }) => branch + name },
      { title: 'stands on', value: ({ reference }) => familiar(reference) },
      { title: 'as', value: ({ roles }) => roles.join(',') },
      { title: 'tracked', value: ({ tracked }) => (tracked ? 'yes' : 'no') },
      { title: 'state', value: ({ state }) => state, paint: statusColour },
      { title: 'level', value: ({ depth }) => depth, wide: true },
      { title: 'platforms', value: ({ platforms }) => platforms.join(','), wide: true },
    ],
    name: (one) => one.task,
    empty: `No task stands on ${word}.`,
  });
  const levels = Math.max(0, ...items.map(({ depth }) => depth));
  if (items.length > 0) printer.progress(`${plural(items.length, 'task')} on ${plural(levels, 'level')}.`);
};

const up = async ({ client, printer }: Session, word: string, options: Options): Promise<void> => {
  const plinth = await client();
  const subject = { ...subjectOf(word, options.task), ...momentOf(options) };
  const items = await allPages(
    (page) => plinth.listInputs({ ...subject, ...page, transitive: !options.direct }),
    ({ inputs }) => inputs,
  );
  await printer.list({
    items,
    rows: treeOf(
      items,
      ({ upstream }) => upstream,
      (one) => one.task,
    ),
    columns: [
      { title: 'stands on', value: ({ branch, reference }) => branch + familiar(reference) },
      { title: 'as', value: ({ role }) => role },
      { title: 'tracked', value: ({ tracked, pinned }) => (pinned ? 'pinned' : tracked ? 'yes' : 'no') },
      { title: 'used', value: ({ used }) => shortDigest(used) },
      { title: 'adopted', value: ({ adopted }) => shortDigest(adopted) },
      { title: 'built by', value: ({ upstream }) => upstream.join(',') },
      { title: 'task', value: (one) => one.task, wide: true },
      { title: 'level', value: ({ depth }) => depth, wide: true },
      { title: 'platforms', value: ({ platforms }) => platforms.join(','), wide: true },
    ],
    name: ({ reference }) => reference,
    empty:
      'task' in subject
        ? `Nothing is known yet of what ${word} stands on: plinth why ${word} says why.`
        : `Nothing is known of what ${word} stands on: no task pushes it.`,
  });
};

export default command<Options, [string]>({
  describe: (graph: Command) =>
    graph
      .addArgument(new Argument('<image>', 'an image, or a task').argParser(nonEmpty))
      .addOption(new Option('--down', 'which tasks stand on it (unless said)').conflicts('up'))
      .option('--up', 'what it stands on')
      .option('--direct', 'only the first level')
      .option('--task', 'it is a task, whatever its name looks like')
      .addOption(asOfOption()),

  watches: 'task,tag,run',

  async run(session, options, word) {
    try {
      await (options.up ? up : down)(session, word, options);
    } catch (error) {
      if (!isPlinthError(error) || error.code !== 'NOT_FOUND' || !('task' in subjectOf(word, options.task)))
        throw error;
      throw new CliError(
        `There is no task ${word}.`,
        exitCodes.notFound,
        `for an image write its tag, too: plinth graph ${word}:latest`,
      );
    }
  },
});
