import type { Session } from '../session.js';
import { ticks } from './ticks.js';
import { until, type UntilOptions } from './until.js';

export interface WatchOptions<T> extends UntilOptions {
  readonly types: string;
  readonly read: (position: number, signal: AbortSignal) => Promise<T>;
  readonly lines: (value: T) => readonly string[];
  readonly isOver: (value: T) => boolean;
}

/**
 * Shows something until it is over. On a terminal the same lines are written over; into a pipe a block goes when it
 * differs from the one before. As JSON each state is a line.
 */
export const watch = <T extends object>(session: Session, options: WatchOptions<T>): Promise<T> =>
  until(session, options, async (signal) => {
    const { io, printer } = session;
    const { types, read, lines, isOver } = options;
    const overwrite = io.stdout.isTTY === true && io.env['TERM'] !== 'dumb' && printer.format !== 'json';
    let before: string | undefined;
    let height = 0;
    for await (const position of ticks(session, { types, signal })) {
      const value = await read(position, signal);
      const text = printer.format === 'json' ? JSON.stringify(value) : lines(value).join('\n');
      if (text !== before) {
        // Back to the first line, and everything below it away.
        if (overwrite && height > 0) io.stdout.write(`\u001b[${height}A\u001b[J`);
        if (printer.format === 'json') await printer.item(value, () => text);
        else printer.data(`${text}\n`);
        height = text.split('\n').length;
        before = text;
      }
      if (isOver(value)) return value;
    }
    return undefined;
  });
