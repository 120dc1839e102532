import type { Command } from 'commander';
import type { RunView } from '#libs/contracts';
import { ending, exitOf, followRun } from '../../follow/run.js';
import type { Session } from '../../session.js';

/** How to go on after a run was asked for: az's options. */
export interface RunOptions {
  /** False after --no-logs. */
  readonly logs?: boolean;
  /** False after --no-wait. */
  readonly wait?: boolean;
  readonly timeout?: number;
}

export const addRunOptions = (command: Command): Command =>
  command.option('--no-logs', 'do not show the log').option('--no-wait', 'do not wait for the end');

/**
 * Follows a run that was just asked for: its log on stderr, the run itself on stdout when it has ended.
 *
 * @returns the exit code by its result
 */
export const finish = async (
  session: Session,
  run: RunView,
  { logs = true, wait = true, timeout }: RunOptions,
): Promise<number | void> => {
  const { printer } = session;
  const { runId } = run;
  printer.note(`Queued a run with ID: ${runId}`);
  if (!wait) {
    if (printer.format === 'table') printer.lines([runId]);
    else await printer.show({ item: run, name: runId, fields: [] });
    printer.note(`Follow it: plinth logs ${runId} -f`);
    return;
  }
  const end = await followRun(session, runId, {
    timeoutMs: timeout,
    ...(logs ? { onLine: (text) => printer.note(text) } : {}),
  });
  if (printer.format === 'table' || printer.format === 'wide') {
    printer.lines([ending(end), ...end.outputs.map(({ reference, digest }) => `${reference}@${digest}`)]);
  } else {
    await printer.show({ item: end, name: runId, fields: [] });
  }
  return exitOf(end);
};
