import type { Command } from 'commander';
import type { Io } from '../io.js';
import { duration } from '../parsers.js';
import { Session } from '../session.js';
import { screenOf } from './screen.js';
import { ticks } from './ticks.js';
import { until } from './until.js';

export interface AgainOptions {
  readonly watch?: boolean;
  readonly timeout?: number;
}

/** The options of a command that can be shown again and again. */
export const addAgainOptions = (command: Command): Command =>
  command
    .option('-w, --watch', 'show it again whenever it changes, until Ctrl-C')
    .option('--timeout <time>', 'watch so long at most, such as 10m', duration);

/**
 * Runs a command whenever an event suits, and every two seconds, and shows what it prints in place of what it printed
 * before. As JSON each answer is a line.
 *
 * @throws Interrupted after Ctrl-C, CliError with exit code 124 when the time is over
 */
export const again = (
  session: Session,
  {
    types,
    words,
    goOn,
    timeoutMs,
  }: { readonly types: string; readonly words: string; readonly goOn: string; readonly timeoutMs: number | undefined },
  run: (session: Session) => Promise<unknown>,
): Promise<never> =>
  until<never>(
    session,
    { what: `plinth ${words}`, goOn, timeoutMs, late: 'The time given is over.' },
    async (signal) => {
      const paint = screenOf(session);
      for await (const position of ticks(session, { types, signal })) paint(await once(session, position, run));
      return undefined;
    },
  );

const once = async (
  { io, options, printer }: Session,
  position: number,
  run: (session: Session) => Promise<unknown>,
): Promise<string> => {
  const written: string[] = [];
  const into = (sink: Io['stdout']) => ({ write: (text: string) => written.push(text), isTTY: sink.isTTY });
  const asJson = printer.format === 'json';
  // What is said beside the data (there is nothing) is all that there is to see, for people.
  const stderr = asJson ? io.stderr : { ...into(io.stderr), isTTY: false };
  await run(new Session({ ...io, stdout: into(io.stdout), stderr }, options, position));
  const text = written.join('').replace(/\n$/, '');
  return asJson && options.jq === undefined ? JSON.stringify(JSON.parse(text)) : text;
};
