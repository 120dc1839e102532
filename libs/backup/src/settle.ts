import { JetStreamApiError } from '@nats-io/jetstream';
import { idOfToken, logSubject, streams } from '#libs/contracts';
import { runDecider, type RunState } from '#libs/domain';
import type { Jet } from '#libs/event-log';
import type { Manifest } from './manifest.js';

export interface Settled {
  /** Events that were read from the restored log, each decoded. */
  readonly events: number;
  /** Runs that were handed out when the backup was taken: they are handed out again. */
  readonly dispatched: number;
  /** Runs whose output was in the backup and whose events were not. */
  readonly forgotten: number;
}

/**
 * What follows from the restored log: which runs are in the hands of builders that are gone, and which output is of
 * runs that have not been.
 */
export const settle = async (
  { events: log, dispatch, jsm }: Pick<Jet, 'events' | 'dispatch' | 'jsm'>,
  manifest: Manifest,
): Promise<Settled> => {
  const runs = new Map<string, RunState>();
  const known = new Set<string>();
  let events = 0;
  const stop = new AbortController();
  // As the leader says it: in a cluster a reader is served by any replica, which may still be copying what was restored.
  const { first, last } = await log.range();
  for await (const batch of last < first ? [] : log.read({ after: first - 1, signal: stop.signal })) {
    for (const event of batch.events) {
      events += 1;
      if (event.aggregate.kind !== 'run') continue;
      const { id } = event.aggregate;
      known.add(id);
      const state = (event.type as string) === 'run.restated' ? stateOf(event) : evolve(runs.get(id), event);
      if (state.phase === 'Ended') runs.delete(id);
      else runs.set(id, state);
    }
    if ((batch.events.at(-1)?.sequence ?? 0) >= last) break;
  }
  stop.abort();

  let dispatched = 0;
  for (const [run, { phase, queued, dispatched: attempt }] of runs) {
    if (!queued || phase === 'Queued' || phase === 'None') continue;
    await dispatch.send(queued.definition.agentPoolName, { run, attempt });
    dispatched += 1;
  }
  return { events, dispatched, forgotten: await forgetLogs(jsm, known, manifest) };
};

const evolve = (state: RunState | undefined, event: Parameters<typeof runDecider.evolve>[1] | object): RunState =>
  runDecider.evolve(state ?? runDecider.initialState, event as Parameters<typeof runDecider.evolve>[1]);

const stateOf = (event: object): RunState => (event as { data: { state: RunState } }).data.state;

/** Output was read after the events: a run that began between gets its id again, and must not find lines there. */
const forgetLogs = async (jsm: Jet['jsm'], known: ReadonlySet<string>, manifest: Manifest): Promise<number> => {
  const events = manifest.streams.find(({ name }) => name === streams.events);
  const cut = Date.parse(String(events?.state['last_ts']));
  let forgotten = 0;
  const subjects = await subjectsOf(jsm);
  for (const subject of subjects) {
    const run = idOfToken(subject.split('.').at(-1) ?? '');
    // Runs of closed books are not in the log any more, and their output is theirs.
    if (known.has(run) || !((await firstTime(jsm, subject)) >= cut)) continue;
    await jsm.streams.purge(streams.logs, { filter: logSubject(run) });
    forgotten += 1;
  }
  return forgotten;
};

const subjectsOf = async (jsm: Jet['jsm']): Promise<string[]> => {
  try {
    const { state } = await jsm.streams.info(streams.logs, { subjects_filter: '>' });
    return Object.keys(state.subjects ?? {});
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === 10059) return [];
    throw error;
  }
};

const firstTime = async (jsm: Jet['jsm'], subject: string): Promise<number> => {
  // The client knows only a part of what the server answers.
  const query = { seq: 1, next_by_subj: subject } as { seq: number };
  const message = await jsm.streams.getMessage(streams.logs, query);
  return message ? message.time.getTime() : Number.NaN;
};
