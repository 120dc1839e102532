import type { RecordedEvent } from '#libs/event-log';
import type { Progress, RunStore } from '../ports.js';
import { AttemptStopped } from './failure.js';

/** What is watched for one attempt. */
interface Watched {
  readonly attempt: number;
  readonly stop: (reason: AttemptStopped) => void;
}

/** Tells attempts what the log says of their run: somebody cancels it, another attempt was started, it ended. */
export class RunWatch {
  readonly #watched = new Map<string, Set<Watched>>();
  readonly #unsubscribe: () => void;

  constructor(
    progress: Pick<Progress, 'onBatch'>,
    private readonly runs: RunStore,
  ) {
    this.#unsubscribe = progress.onBatch((events) => {
      if (this.#watched.size > 0) for (const event of events) this.#tell(event);
    });
  }

  /** `stop` may be called more than once. Call what this returns when the attempt is over. */
  watch(run: string, attempt: number, stop: (reason: AttemptStopped) => void): () => void {
    const entry = { attempt, stop };
    const entries = this.#watched.get(run) ?? new Set();
    entries.add(entry);
    this.#watched.set(run, entries);
    const { state } = this.runs.get(run);
    if (state.attempt > attempt || state.phase === 'Ended') stop(lost(run, attempt));
    else if (state.cancelRequested && state.phase !== 'Built') stop(canceled(run));
    return () => {
      entries.delete(entry);
      if (entries.size === 0) this.#watched.delete(run);
    };
  }

  close(): void {
    this.#unsubscribe();
  }

  #tell(event: RecordedEvent): void {
    if (event.aggregate.kind !== 'run') return;
    const run = event.aggregate.id;
    for (const { attempt, stop } of this.#watched.get(run) ?? []) {
      switch (event.type) {
        case 'run.cancel-requested':
          stop(canceled(run, event.data.by));
          break;
        case 'run.started':
          if (event.data.attempt > attempt) stop(lost(run, attempt));
          break;
        case 'run.succeeded':
        case 'run.failed':
        case 'run.canceled':
        case 'run.timed-out':
        case 'run.errored':
          stop(lost(run, attempt));
          break;
        default:
      }
    }
  }
}

const canceled = (run: string, by?: string): AttemptStopped =>
  new AttemptStopped('canceled', by ? `${by} canceled run ${run}.` : `Run ${run} was canceled.`);
const lost = (run: string, attempt: number): AttemptStopped =>
  new AttemptStopped('attempt-lost', `Attempt ${attempt} of run ${run} is over: the log has moved on.`);
