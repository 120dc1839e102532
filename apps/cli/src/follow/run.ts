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

/** Waits until a run has ended. */
const ended = async (session: Session, run: string, signal: AbortSignal): Promise<RunView | undefined> => {
  const plinth = await session.client();
  let told = '';
  for await (const position of ticks(session, { types: 'run', signal, suits: ({ subject }) => subject === run })) {
    const view = await plinth.getRun({ run }, { signal, ...(position > 0 ? { position } : {}) });
    if (view.finishTime !== null) return view;
    if (view.status !== told) session.printer.progress(`Run ${run} is ${view.status}.`);
    told = view.status;
  }
  return undefined;
};

export interface FollowOptions {
  /** Takes the lines of the log; none are read without it. */
  readonly onLine?: (text: string) => void;
  readonly timeoutMs?: number | undefined;
}

/**
 * Follows a run to its end: its log, and how it ended.
 *
 * @throws Interrupted, CliError (see {@link until})
 */
export const followRun = (session: Session, run: string, { onLine, timeoutMs }: FollowOptions): Promise<RunView> =>
  until(session, { what: `run ${run}`, goOn: `plinth logs ${run} -f`, timeoutMs }, async (signal) => {
    if (onLine) {
      const plinth = await session.client();
      for await (const { text } of plinth.getRunLogs({ run, follow: true }, { signal })) onLine(text);
    }
    return ended(session, run, signal);
  });
