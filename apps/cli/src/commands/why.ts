import { Argument, Option, type Command } from 'commander';
import { isPlinthError } from '#libs/contracts/light';
import { command } from '../command.js';
import { CliError, withCommands } from '../errors.js';
import { statusColour } from '../output/colour.js';
import type { Session } from '../session.js';

interface Options {
  readonly kind?: 'task' | 'image' | 'run';
}

type Kind = NonNullable<Options['kind']>;

/** What a word may be, the likeliest first: a reference has marks that no name of a task has. */
const kindsOf = (word: string): Kind[] => {
  if (/[/:@.]/.test(word)) return ['image'];
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(word)) return ['task', 'image'];
  return ['task', 'run', 'image'];
};

const ask = async ({ client }: Session, kind: Kind, word: string) => {
  const plinth = await client();
  switch (kind) {
    case 'task':
      return plinth.explain({ task: word });
    case 'run':
      return plinth.explain({ run: word });
    case 'image':
      return plinth.explain({ reference: word });
  }
};

export default command<Options, [string]>({
  describe: (why: Command) =>
    why
      .addArgument(new Argument('<subject>', 'a task, an image or the id of a run'))
      .addOption(
        new Option('--kind <kind>', 'what it is, where a word could be several').choices(['task', 'image', 'run']),
      ),

  async run(session, { kind }, word) {
    const { printer } = session;
    const kinds = kind ? [kind] : kindsOf(word);
    for (const [index, one] of kinds.entries()) {
      try {
        const answer = await ask(session, one, word);
        if (printer.format !== 'table' && printer.format !== 'wide') {
          await printer.show({ item: answer, name: answer.subject, fields: [] });
          return;
        }
        const state = answer.state === null ? '' : ` is ${printer.colour ? statusColour(answer.state) : answer.state}`;
        printer.lines([`${answer.subject}${state}${state === '' ? ':' : '.'}`]);
        printer.lines(answer.sentences.map(({ text }) => `  ${withCommands(text)}`));
        return;
      } catch (error) {
        const last = index === kinds.length - 1;
        const other = isPlinthError(error) && (error.code === 'NOT_FOUND' || error.code === 'INVALID_ARGUMENT');
        if (!other || (last && kinds.length === 1)) throw error;
        if (last) break;
      }
    }
    throw new CliError(
      `Nothing is known of ${word}: it is no task, no run and no image of a task.`,
      3,
      'plinth task list',
    );
  },
});
