import type { Anomaly, HoldCode, SeenBy, Snapshot } from '#libs/contracts';

/** How many digests of a tag are remembered. */
export const historyKept = 32;
/** How many digests that were adopted before can be gone back to. */
export const adoptionsKept = 4;
/** How many digests wait at most; see {@link thinned}. */
export const candidatesKept = 32;

/** What a person decided. */
export interface Decision {
  readonly by: string;
  readonly at: string;
  readonly reason: string;
}

/** A digest that the tag had, and that dependants do not get yet. */
export interface Candidate {
  readonly snapshot: Snapshot;
  /** When it was seen first: from then on it ages. */
  readonly since: string;
  readonly seenBy: SeenBy;
  readonly hintedAt: string | null;
  /** When another digest took its place; null while the tag names it. */
  readonly replacedAt: string | null;
  /** What was said of it last; null before anything was. */
  readonly held: { readonly code: HoldCode; readonly policy: string; readonly reason: string } | null;
  readonly anomalies: readonly Anomaly[];
}

export interface TagState {
  readonly reference: string;
  readonly watched: boolean;
  readonly watchedSince: string | null;
  /** What the last look that found something new found; null when the tag was never there. */
  readonly current: Snapshot | null;
  readonly adopted: Snapshot | null;
  /** What looked odd about the adopted digest. */
  readonly anomalies: readonly Anomaly[];
  /** Newest first; without the one that is adopted now. */
  readonly adoptedBefore: readonly Snapshot[];
  /** Oldest first. While the tag is there and names another digest than the adopted one, that is the last of them. */
  readonly candidates: readonly Candidate[];
  readonly pinned: (Decision & { readonly digest: string }) | null;
  readonly heldByHand: Decision | null;
  /** Digests that a person went back from. */
  readonly rolledBack: readonly (Decision & { readonly digest: string })[];
  /** Since when the registry does not know the tag. */
  readonly vanishedAt: string | null;
  /** Newest first. */
  readonly history: readonly { readonly digest: string; readonly at: string; readonly seenBy: SeenBy }[];
}

export const unknownTag: TagState = {
  reference: '',
  watched: false,
  watchedSince: null,
  current: null,
  adopted: null,
  anomalies: [],
  adoptedBefore: [],
  candidates: [],
  pinned: null,
  heldByHand: null,
  rolledBack: [],
  vanishedAt: null,
  history: [],
};

/**
 * Leaves one out where too many wait: the one between the two that lie closest together. The oldest goes on ageing and
 * the newest stays, so a tag that moves every minute is adopted a little late, and not never.
 */
const thinned = (candidates: readonly Candidate[]): readonly Candidate[] => {
  if (candidates.length <= candidatesKept) return candidates;
  const at = candidates.map(({ since }) => Date.parse(since));
  let least = 1;
  for (let i = 2; i < candidates.length - 1; i++) {
    if (at[i + 1]! - at[i - 1]! < at[least + 1]! - at[least - 1]!) least = i;
  }
  return candidates.toSpliced(least, 1);
};

interface Seen {
  readonly at: string;
  readonly seenBy: SeenBy;
  readonly hintedAt: string | null;
}

/**
 * The tag names this digest from now on. One that waits already keeps its age, and those after it are gone: whoever
 * puts an older digest back takes the newer ones back. The adopted one takes all of them back.
 */
export const named = (state: TagState, snapshot: Snapshot, seen: Seen): TagState => {
  const { adopted, candidates: before } = state;
  if (adopted?.digest === snapshot.digest) return { ...state, candidates: [] };
  const index = before.findIndex((one) => one.snapshot.digest === snapshot.digest);
  if (index >= 0) {
    const candidates = before.slice(0, index + 1);
    return { ...state, candidates: candidates.with(index, { ...candidates[index]!, replacedAt: null }) };
  }
  const last = before.at(-1);
  const replaced = last && last.replacedAt === null ? before.with(-1, { ...last, replacedAt: seen.at }) : before;
  const { seenBy, hintedAt } = seen;
  const candidate = { snapshot, since: seen.at, seenBy, hintedAt, replacedAt: null, held: null, anomalies: [] };
  return { ...state, candidates: thinned([...replaced, candidate]) };
};

/** Dependants get this digest from now on; what waited before it is passed by. */
export const adopted = (state: TagState, snapshot: Snapshot, anomalies: readonly Anomaly[], seen: Seen): TagState => {
  const { digest } = snapshot;
  const index = state.candidates.findIndex((one) => one.snapshot.digest === digest);
  const left = new Set(state.rolledBack.map((one) => one.digest)).add(digest);
  const before = [...(state.adopted ? [state.adopted] : []), ...state.adoptedBefore];
  const next: TagState = {
    ...state,
    adopted: snapshot,
    anomalies,
    adoptedBefore: before.filter((one) => !left.has(one.digest)).slice(0, adoptionsKept),
    candidates: index < 0 ? state.candidates : state.candidates.slice(index + 1),
    rolledBack: state.rolledBack.filter((one) => one.digest !== digest),
  };
  // After a pin or a rollback the tag still names another digest: that one waits.
  return next.current && next.vanishedAt === null ? named(next, next.current, seen) : next;
};

/** What is to be said of one that waits. */
export const said = (
  state: TagState,
  digest: string,
  held: NonNullable<Candidate['held']>,
  anomalies: readonly Anomaly[],
): TagState => {
  const index = state.candidates.findIndex((one) => one.snapshot.digest === digest);
  if (index < 0) return state;
  return { ...state, candidates: state.candidates.with(index, { ...state.candidates[index]!, held, anomalies }) };
};
