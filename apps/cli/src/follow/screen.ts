import type { Session } from '../session.js';
import { ticks } from './ticks.js';
import { until, type UntilOptions } from './until.js';

/** Text that is written over itself on a terminal; into a pipe a block goes when it differs from the one before. */
export const screenOf = ({ io, printer }: Session): ((text: string) => void) => {
  const overwrite = io.stdout.isTTY === true && io.env['TERM'] !== 'dumb' && printer.format !== 'json';
  let before: string | undefined;
  let height = 0;
  return (text) => {
    if (text === before) return;
    // Back to the first line, and everything below it away.
    if (overwrite && height > 0) io.stdout.write(`\u001b[${height}A\u001b[J`);
    printer.data(`${text}\n`);
    height = text.split('\n').length;
    before = text;
  };
};

export interface WatchOptions<T> extends UntilOptions {
  readonly types: string;
  readonly read: (position: number, signal: AbortSignal) => Promise<T>;
  readonly lines: (value: T) => readonly string[];
  readonly isOver: (value: T) => boolean;
}

/** Shows something until it is over, written over itself; as JSON each state is a line. */
export const watch = <T extends object>(session: Session, options: WatchOptions<T>): Promise<T> =>
  until(session, options, async (signal) => {
    const { printer } = session;
    const { types, read, lines, isOver } = options;
    const paint = screenOf(session);
    let before: string | undefined;
    for await (const position of ticks(session, { types, signal })) {
      const value = await read(position, signal);
      if (printer.format === 'json') {
        const text = JSON.stringify(value);
        if (text !== before) await printer.item(value, () => text);
        before = text;
      } else paint(lines(value).join('\n'));
      if (isOver(value)) return value;
    }
    return undefined;
  });
