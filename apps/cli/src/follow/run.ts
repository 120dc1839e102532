import type { RunView } from '#libs/contracts';
import { exitCodes } from '#libs/contracts/light';
import { durationBetween } from '../output/words.js';
import type { Session } from '../session.js';
import { ticks } from './ticks.js';
import { until } from './until.js';

/** Exit code of a run that has ended. */
export const exitOf = ({ status }: Pick<RunView, 'status'>): number =>
  status === 'Succeeded' ? exitCodes.ok : status === 'Canceled' ? exitCodes.usage : exitCodes.failure;

/** The last line, as az writes it. */
export const ending = (run: RunView): string => {
  const took = durationBetween(run.startTime ?? run.createTime, run.finishTime, new Date());
  switch (run.status) {
    case 'Succeeded':
      return `Run ID: ${run.runId} was successful after ${took}`;
    case 'Canceled':
      return `Run ID: ${run.runId} was canceled after ${took}`;
    default:
      return `Run ID: ${run.runId} failed after ${took}. ${run.status}: ${run.runErrorMessage ?? ''}`.trimEnd();
  }
};

export interface FollowOptions {
  /** Takes the lines of the log; none are read without it. */
  readonly onLine?: (text: string) => void;
  readonly timeoutMs?: number | undefined;
}

/**
 * Follows a run to its end, over all its attempts: its log, and how it ended. What is tried again after an error of
 * ours, and why, is told.
 *
 * @throws Interrupted, CliError (see {@link until})
 */
export const followRun = (session: Session, run: string, { onLine, timeoutMs }: FollowOptions): Promise<RunView> =>
  until(session, { what: `run ${run}`, goOn: `plinth logs ${run} -f`, timeoutMs }, async (signal) => {
    const { printer } = session;
    const plinth = await session.client();
    let after = -1;
    let told = '';
    for await (const position of ticks(session, { types: 'run', signal, suits: ({ subject }) => subject === run })) {
      const at = position > 0 ? { signal, position } : { signal };
      if (onLine) {
        for await (const { offset, text } of plinth.getRunLogs({ run, follow: true, after }, at)) {
          onLine(text);
          after = offset;
        }
      }
      const view = await plinth.getRun({ run }, at);
      if (view.finishTime !== null) return view;
      const { status, runErrorMessage } = view;
      if (status === 'Queued' && runErrorMessage !== null && runErrorMessage !== told) {
        printer.note(`Run ${run} is tried again: ${runErrorMessage}`);
        told = runErrorMessage;
      } else if (!onLine && status !== told && runErrorMessage === null) {
        printer.progress(`Run ${run} is ${status}.`);
        told = status;
      }
    }
    return undefined;
  });
