import { Argument, Option, type Command } from 'commander';
import { exitCodes, isPlinthError } from '#libs/contracts/light';
import { asOfOption, type AsOf } from '../as-of.js';
import { command } from '../command.js';
import { CliError, usageError, withCommands } from '../errors.js';
import { statusColour } from '../output/colour.js';
import { collect, nonEmpty, platform } from '../parsers.js';
import { addRegistryOptions } from '../registry-options.js';
import type { Session } from '../session.js';
import type { RegistryQuestion } from '../why-from-registry.js';

interface Options extends RegistryQuestion, AsOf {
  readonly kind?: 'task' | 'image' | 'run';
  /** False after --no-server. */
  readonly server?: string | boolean;
}

type Kind = NonNullable<Options['kind']>;

/** Whether anything says that there is a server: without one, a registry can still be asked. */
const hasServer = async (session: Session): Promise<boolean> => {
  if (session.options.server !== undefined || session.io.env['PLINTH_SERVER']) return true;
  const { context, token } = await session.connection();
  return context !== undefined || token !== undefined;
};

/** Reads the registry when that is asked for, or nothing else can be; undefined when the server is to be asked. */
const fromRegistry = async (session: Session, asked: Options, kinds: readonly Kind[], word: string) => {
  const { server, kind: _kind, asOf, ...question } = asked;
  const isImage = kinds.includes('image');
  if (server !== false) {
    if (!isImage || (await hasServer(session))) {
      const flag = (['candidate', 'platform', 'plainHttp', 'allowRegistry'] as const).find((one) => question[one]);
      if (flag === undefined) return undefined;
      const name = flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      throw usageError(`--${name} is for reading the registry, and here a server answers.`, 'add --no-server');
    }
    session.printer.note('No server is configured: this is read from the registry alone, and nothing is changed.');
  } else if (!isImage) {
    throw usageError(`--no-server reads a registry, which knows images but no ${kinds.join(' and no ')}.`);
  }
  if (asOf !== undefined) throw usageError('--as-of is for a server: a registry does not tell what was.');
  // What reads registries is loaded for those who need it.
  const { whyFromRegistry } = await import('../why-from-registry.js');
  return whyFromRegistry(session, word, question);
};

/** What a word may be, the likeliest first: a reference has marks that no name of a task has. */
const kindsOf = (word: string): Kind[] => {
  if (/[/:@.]/.test(word)) return ['image'];
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(word)) return ['task', 'image'];
  return ['task', 'run', 'image'];
};

const ask = async ({ client }: Session, kind: Kind, word: string, { asOf }: AsOf) => {
  const plinth = await client();
  const at = asOf === undefined ? {} : { asOf };
  switch (kind) {
    case 'task':
      return plinth.explain({ task: word, ...at });
    case 'run':
      return plinth.explain({ run: word, ...at });
    case 'image':
      return plinth.explain({ reference: word, ...at });
  }
};

/** Of a task that was never built: why it is not known yet what it stands on. */
const sayWhatKeepsItUnread = async ({ client, printer }: Session, name: string): Promise<void> => {
  const { inputsStatus, inputsReason } = await (await client()).getTask({ name });
  if (inputsStatus !== 'Scanning') return;
  printer.lines([`  Its Dockerfile is being read.${inputsReason === null ? '' : ` Until now: ${inputsReason}`}`]);
};

export default command<Options, [string]>({
  describe: (why: Command) =>
    addRegistryOptions(
      why
        .addArgument(new Argument('<subject>', 'a task, an image or the id of a run'))
        .addOption(
          new Option('--kind <kind>', 'what it is, where a word could be several').choices(['task', 'image', 'run']),
        )
        .addOption(asOfOption())
        .option('--no-server', 'of an image: read its registry alone; exit code 0 current, 6 stale, 1 not known')
        .option('--platform <platform>', 'without a server: for this platform only (repeatable)', collect(platform))
        .option(
          '--candidate <image>',
          'without a server: what it may stand on, compared by layers where nothing says it (repeatable)',
          collect(nonEmpty),
        ),
      'the registries of the image and its candidates',
    ),

  async run(session, options, word) {
    const { printer } = session;
    const kinds = options.kind ? [options.kind] : kindsOf(word);
    const exit = await fromRegistry(session, options, kinds, word);
    if (exit !== undefined) return exit;
    for (const [index, one] of kinds.entries()) {
      try {
        const answer = await ask(session, one, word, options);
        if (printer.format !== 'table' && printer.format !== 'wide') {
          await printer.show({ item: answer, name: answer.subject, fields: [] });
          return;
        }
        const state = answer.state === null ? '' : ` is ${printer.colour ? statusColour(answer.state) : answer.state}`;
        printer.lines([`${answer.subject}${state}${state === '' ? ':' : '.'}`]);
        printer.lines(answer.sentences.map(({ text }) => `  ${withCommands(text)}`));
        if (one === 'task' && answer.state === 'Unbuilt') await sayWhatKeepsItUnread(session, word);
        return;
      } catch (error) {
        if ((error as Error).name === 'ConnectionError' && kinds.includes('image')) {
          const next = 'start one with plinth up, or add --no-server, which reads the registry of an image alone';
          throw new CliError((error as Error).message, exitCodes.failure, next);
        }
        const last = index === kinds.length - 1;
        const other = isPlinthError(error) && (error.code === 'NOT_FOUND' || error.code === 'INVALID_ARGUMENT');
        if (other && error.code === 'NOT_FOUND' && one === 'image' && kinds.length === 1) {
          throw new CliError(
            withCommands(error.message),
            exitCodes.notFound,
            `plinth why ${word} --no-server reads its registry`,
          );
        }
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
