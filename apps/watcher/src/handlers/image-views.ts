import type { ImageView } from '#libs/contracts';
import type { Candidate, TagState } from '../tags/tag-state.js';
import type { WatcherService } from '../watcher.service.js';

/** Tasks that are named of those that track an image. */
const tasksShown = 100;

const timeOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** A watched image as it is answered: what the log says, what policy makes of it now, and the last looks. */
export class ImageViews {
  constructor(private readonly watcher: WatcherService) {}

  of(state: TagState): ImageView {
    const { looker, policies, poller, watchList } = this.watcher;
    const { reference } = state;
    const { lastLookAt, lastError } = looker.record(reference);
    const candidates = state.candidates.flatMap((candidate) => this.candidate(state, candidate) ?? []);
    const newest = candidates.at(-1);
    return {
      reference,
      current: state.vanishedAt === null ? state.current : null,
      adopted: state.adopted,
      held: newest ? { digest: newest.digest, reason: newest.reason } : null,
      policy: policies.settings(reference).name,
      candidates,
      pinned: state.pinned,
      heldByHand: state.heldByHand,
      missingPlatforms: [...policies.missingPlatforms(state)],
      vanishedAt: state.vanishedAt,
      adoptedBefore: state.adoptedBefore.map(({ digest }) => digest),
      anomalies: [...state.anomalies],
      watchedSince: state.watchedSince ?? '1970-01-01T00:00:00.000Z',
      dependants: watchList.list.trackersOf(reference),
      tasks: [...watchList.list.tasksOf(reference)].sort().slice(0, tasksShown),
      watchedBy: this.watcher.isNotified(reference) ? 'Notification' : 'Polling',
      lastLookAt: timeOf(lastLookAt),
      nextLookAt: timeOf(poller.nextLookAt(reference)),
      lastError,
      mirror: this.watcher.upstream.view(reference),
      history: [...state.history],
    };
  }

  /** Undefined for one that is being adopted at this moment. */
  private candidate(state: TagState, candidate: Candidate): ImageView['candidates'][number] | undefined {
    const verdict = this.watcher.policies.reconsider(state, candidate);
    if (verdict.adopt) return undefined;
    const { code, reason, until, anomalies } = verdict;
    const adoptAt = state.vanishedAt === null ? until : null;
    return {
      digest: candidate.snapshot.digest,
      since: candidate.since,
      code,
      reason,
      adoptAt,
      anomalies: [...anomalies],
    };
  }
}
