import type { LogLine, RunStep } from '#libs/contracts';

interface Found {
  readonly attempt: number | null;
  readonly steps: readonly RunStep[];
}

/** Steps of one attempt, by name, in the order in which they began. */
type Steps = Map<string, RunStep>;

const statuses = { Started: 'Running', Cached: 'Cached', Done: 'Succeeded', Failed: 'Failed' } as const;

/**
 * The steps of the last attempt that had any, from the log of a run.
 * @param hasEnded whether the run has: a step without an end will then have none
 */
export const stepsOf = async (lines: AsyncIterable<LogLine>, hasEnded: boolean): Promise<Found> => {
  let attempt: number | null = null;
  let steps: Steps = new Map();
  for await (const line of lines) {
    if (line.step === null) continue;
    if (line.progress && line.progress.attempt !== attempt) {
      attempt = line.progress.attempt;
      steps = new Map();
    }
    take(steps, line, line.step);
  }
  const ended = ({ status, ...step }: RunStep): RunStep => ({
    ...step,
    status: hasEnded && status === 'Running' ? 'Canceled' : status,
  });
  return { attempt, steps: [...steps.values()].map(ended) };
};

const take = (steps: Steps, { at, stream, progress }: LogLine, name: string): void => {
  const known = steps.get(name);
  if (progress) {
    const began: RunStep = known ?? { name, status: 'Running', startTime: at, milliseconds: null, lines: 0 };
    steps.set(name, { ...began, status: statuses[progress.status], milliseconds: progress.milliseconds });
  } else if (known && stream !== 'plinth') {
    steps.set(name, { ...known, lines: known.lines + 1 });
  }
};
