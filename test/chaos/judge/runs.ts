/** What the event stream says of runs must make sense by itself. */
import type { Entry } from './evidence.js';
import type { Problem } from './judge.js';

interface Run {
  readonly task: string | null;
  readonly key: string | null;
  attempt: number;
  built: string | undefined;
  ended: string | undefined;
}

const ends = new Set(['run.succeeded', 'run.failed', 'run.canceled', 'run.timed-out']);

const outputsOf = ({ data }: Entry): string => JSON.stringify(data['outputs']);

/**
 * A run is queued once, its attempts only count up, its digests are decided once, it ends once and says nothing
 * afterwards; no key of a task succeeds twice.
 *
 * @param mayRepeat tasks that may succeed for a key again if they publish the same digests then, which is no build
 */
export const runProblems = (stream: readonly Entry[], mayRepeat: readonly string[]): Problem[] => {
  const problems: Problem[] = [];
  const add = (check: Problem['check'], sentence: string): void => void problems.push({ check, sentence });
  const runs = new Map<string, Run>();
  const succeeded = new Map<string, Entry>();
  for (const entry of stream.filter(({ type }) => type.startsWith('run.'))) {
    const { type, subject, data, position } = entry;
    if (type === 'run.queued') {
      if (runs.has(subject)) add('run', `Run ${subject} was queued twice, again at ${position}.`);
      const { task, key } = data as Pick<Run, 'task' | 'key'>;
      runs.set(subject, { task, key, attempt: 0, built: undefined, ended: undefined });
      continue;
    }
    const run = runs.get(subject);
    if (!run) {
      add('run', `${type} at ${position} is of run ${subject}, which was never queued.`);
      continue;
    }
    if (run.ended !== undefined) add('run', `Run ${subject} had ${run.ended}, and then ${type} at ${position}.`);
    if (type === 'run.started') {
      const attempt = Number(data['attempt']);
      if (attempt !== run.attempt + 1)
        add('run', `Run ${subject} started attempt ${attempt} after attempt ${run.attempt}.`);
      run.attempt = attempt;
    }
    if (type === 'run.built') {
      if (run.built !== undefined)
        add('run', `The digests of run ${subject} were decided twice, again at ${position}.`);
      run.built = outputsOf(entry);
    }
    if (ends.has(type)) run.ended = type;
    if (type !== 'run.succeeded') continue;
    if (outputsOf(entry) !== run.built) {
      add('run', `Run ${subject} succeeded at ${position} with other digests than it had built.`);
    }
    if (run.key === null) continue;
    const of = `${run.task} ${run.key}`;
    const other = succeeded.get(of);
    if (other && !(mayRepeat.includes(run.task ?? '') && outputsOf(other) === outputsOf(entry))) {
      add('once', `Task ${run.task} was built twice for one key: runs ${other.subject} and ${subject} both succeeded.`);
    }
    succeeded.set(of, entry);
  }
  return problems;
};
