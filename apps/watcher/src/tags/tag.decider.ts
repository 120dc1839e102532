import { PlinthError, type Anomaly, type HoldCode, type SeenBy, type Snapshot } from '#libs/contracts';
import type { Decider } from '#libs/event-log';
import type { Verdict } from '../policy/verdict.js';
import { adopted, historyKept, named, said, unknownTag, type Candidate, type TagState } from './tag-state.js';

export type { TagState } from './tag-state.js';

/** What policy says of a digest that waits, now. */
export type Judge = (tag: TagState, candidate: Candidate) => Verdict;

interface ByPerson {
  readonly reference: string;
  readonly by: string;
  readonly reason: string;
}

export type TagCommand =
  | { readonly type: 'watch'; readonly reference: string }
  | { readonly type: 'unwatch'; readonly reference: string }
  | {
      /** The result of one look. It is never decided again on a newer state: an older answer could win over a newer. */
      readonly type: 'observe';
      readonly reference: string;
      /** Null when the registry does not know the tag. */
      readonly found: Snapshot | null;
      readonly seenBy: SeenBy;
      readonly hintedAt: string | null;
      /** The run whose output this look answers. */
      readonly run: string | null;
      /** That run was urgent: so is what stands on its output. */
      readonly urgent?: boolean;
      /** Null when nothing was found. */
      readonly verdict: Verdict | null;
    }
  /** Time has passed, or a policy or a person changed something: is one that waits to be adopted now? */
  | { readonly type: 'reconsider'; readonly reference: string; readonly judge: Judge }
  /** The registry does not have a digest any more that waits. */
  | { readonly type: 'discard'; readonly reference: string; readonly digest: string }
  | ({ readonly type: 'hold' } & ByPerson)
  | ({ readonly type: 'release'; readonly digest: string | undefined; readonly urgent: boolean } & ByPerson)
  | ({ readonly type: 'pin'; readonly to: Snapshot } & ByPerson)
  | ({ readonly type: 'unpin' } & ByPerson)
  | ({ readonly type: 'rollback' } & ByPerson);

type TagEvent =
  | 'tag.watched'
  | 'tag.moved'
  | 'tag.adopted'
  | 'tag.held'
  | 'tag.confirmed'
  | 'tag.vanished'
  | 'tag.discarded'
  | 'tag.hold-placed'
  | 'tag.released'
  | 'tag.pinned'
  | 'tag.unpinned'
  | 'tag.rolled-back'
  | 'tag.unwatched';

const refuse = (message: string): PlinthError => new PlinthError('FAILED_PRECONDITION', message);
const oddities = (anomalies: readonly Anomaly[]) => (anomalies.length > 0 ? { anomalies: [...anomalies] } : {});
const ofCandidate = (reference: string, { seenBy, hintedAt }: Candidate) => ({ reference, seenBy, hintedAt });

/** The newest one that may be adopted. */
export const ripe = (tag: TagState, judge: Judge): { candidate: Candidate; verdict: Verdict } | undefined => {
  if (tag.vanishedAt !== null) return undefined;
  for (const candidate of tag.candidates.toReversed()) {
    const verdict = judge(tag, candidate);
    if (verdict.adopt) return { candidate, verdict };
  }
  return undefined;
};

const sameSaying = ({ held }: Candidate, verdict: Verdict): boolean =>
  !verdict.adopt && held?.code === verdict.code && held.policy === verdict.policy;

export const tagDecider: Decider<TagState, TagCommand, TagEvent> = {
  kind: 'tag',
  initialState: unknownTag,
  decide: (command, state) => {
    const { reference } = command;
    switch (command.type) {
      case 'watch':
        return state.watched ? [] : [{ type: 'tag.watched', data: { reference } }];
      case 'unwatch':
        return state.watched ? [{ type: 'tag.unwatched', data: { reference } }] : [];
      case 'observe': {
        const { found, seenBy, hintedAt, run, urgent, verdict } = command;
        const look = { reference, seenBy, hintedAt };
        const confirmed = run
          ? [{ type: 'tag.confirmed' as const, data: { reference, digest: found?.digest ?? null, run } }]
          : [];
        if (!found || !verdict) {
          const was = state.current?.digest ?? null;
          return state.vanishedAt !== null || was === null
            ? confirmed
            : [{ type: 'tag.vanished', data: { ...look, was } }, ...confirmed];
        }
        const moved =
          state.vanishedAt !== null || state.current?.digest !== found.digest
            ? [{ type: 'tag.moved' as const, data: { ...look, from: state.current?.digest ?? null, to: found } }]
            : [];
        if (state.adopted?.digest === found.digest) return [...moved, ...confirmed];
        const { policy } = verdict;
        const odd = oddities(verdict.anomalies);
        if (verdict.adopt) {
          const from = state.adopted?.digest ?? null;
          const data = { ...look, from, to: found, policy, run, ...(urgent ? { urgent } : {}), ...odd };
          return [...moved, { type: 'tag.adopted', data }];
        }
        // Said once for each digest and reason, and once more as the answer to a run.
        const known = state.candidates.find(({ snapshot }) => snapshot.digest === found.digest);
        if (known && sameSaying(known, verdict) && !run) return moved;
        const { code, reason, until } = verdict;
        const held = { ...look, candidate: found, reason, run, code, policy, until, ...odd };
        return [...moved, { type: 'tag.held', data: held }];
      }
      case 'reconsider': {
        const chosen = ripe(state, command.judge);
        if (chosen) {
          const { candidate, verdict } = chosen;
          const { policy, anomalies } = verdict;
          const from = state.adopted?.digest ?? null;
          const look = ofCandidate(reference, candidate);
          const data = { ...look, from, to: candidate.snapshot, policy, run: null, ...oddities(anomalies) };
          return [{ type: 'tag.adopted', data }];
        }
        const newest = state.candidates.at(-1);
        if (!newest || state.vanishedAt !== null) return [];
        const verdict = command.judge(state, newest);
        if (verdict.adopt || sameSaying(newest, verdict)) return [];
        const { code, policy, reason, until, anomalies } = verdict;
        const look = ofCandidate(reference, newest);
        const data = { ...look, candidate: newest.snapshot, reason, run: null, code, policy, until };
        return [{ type: 'tag.held', data: { ...data, ...oddities(anomalies) } }];
      }
      case 'discard': {
        const { digest } = command;
        if (!state.candidates.some(({ snapshot }) => snapshot.digest === digest)) return [];
        return [
          { type: 'tag.discarded', data: { reference, digest, reason: 'The registry does not have it any more.' } },
        ];
      }
      case 'hold': {
        const { by, reason } = command;
        const { heldByHand: hold } = state;
        if (hold) throw refuse(`${reference} is held already, by ${hold.by}: ${hold.reason}`);
        return [{ type: 'tag.hold-placed', data: { reference, by, reason } }];
      }
      case 'release': {
        const { by, reason, urgent, digest } = command;
        if (state.pinned) {
          throw refuse(`${reference} is pinned to ${state.pinned.digest}. Unpin it: plinth image unpin ${reference}`);
        }
        const wanted = state.candidates.findLast(({ snapshot }) => digest === undefined || snapshot.digest === digest);
        if (!wanted && (digest !== undefined || !state.heldByHand)) {
          const what = digest === undefined ? 'Nothing of' : `${digest} of`;
          throw refuse(`${what} ${reference} is held. What waits: plinth image show ${reference}`);
        }
        const released = { reference, by, reason, urgent, digest: wanted?.snapshot.digest ?? null };
        if (!wanted) return [{ type: 'tag.released', data: released }];
        const adoption = {
          ...ofCandidate(reference, wanted),
          from: state.adopted?.digest ?? null,
          to: wanted.snapshot,
          policy: 'released by hand',
          run: null,
          by,
          reason,
          ...(urgent ? { urgent } : {}),
          ...oddities(wanted.anomalies),
        };
        return [
          { type: 'tag.released', data: released },
          { type: 'tag.adopted', data: adoption },
        ];
      }
      case 'pin': {
        const { by, reason, to } = command;
        if (state.pinned?.digest === to.digest) throw refuse(`${reference} is pinned to ${to.digest} already.`);
        const pin = { type: 'tag.pinned' as const, data: { reference, by, reason, to } };
        return state.adopted?.digest === to.digest ? [pin] : [pin, byHand(state, command, to, 'pinned by hand')];
      }
      case 'unpin': {
        const { by, reason } = command;
        if (!state.pinned) throw refuse(`${reference} is not pinned.`);
        return [{ type: 'tag.unpinned', data: { reference, by, reason } }];
      }
      case 'rollback': {
        const { by, reason } = command;
        if (state.pinned) {
          throw refuse(`${reference} is pinned to ${state.pinned.digest}. Unpin it: plinth image unpin ${reference}`);
        }
        const [to] = state.adoptedBefore;
        if (!state.adopted || !to) throw refuse(`${reference} has had no other digest that was adopted.`);
        return [
          { type: 'tag.rolled-back', data: { reference, by, reason, from: state.adopted.digest, to } },
          byHand(state, command, to, 'rolled back by hand'),
        ];
      }
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'tag.watched':
        return { ...state, reference: event.data.reference, watched: true, watchedSince: event.time };
      case 'tag.unwatched':
        return { ...state, watched: false };
      case 'tag.moved': {
        const { reference, to, seenBy, hintedAt } = event.data;
        const history = [{ digest: to.digest, at: event.time, seenBy }, ...state.history].slice(0, historyKept);
        const next = { ...state, reference, current: to, vanishedAt: null, history };
        return named(next, to, { at: event.time, seenBy, hintedAt });
      }
      case 'tag.adopted': {
        const { reference, to, anomalies = [], seenBy, hintedAt } = event.data;
        return adopted({ ...state, reference }, to, anomalies, { at: event.time, seenBy, hintedAt });
      }
      case 'tag.held': {
        const { candidate, reason, code = 'HeldByPolicy' as HoldCode, policy = '', anomalies = [] } = event.data;
        return said(state, candidate.digest, { code, policy, reason }, anomalies);
      }
      case 'tag.vanished':
        return { ...state, vanishedAt: event.time };
      case 'tag.discarded': {
        const { digest } = event.data;
        return { ...state, candidates: state.candidates.filter(({ snapshot }) => snapshot.digest !== digest) };
      }
      case 'tag.hold-placed': {
        const { by, reason } = event.data;
        return { ...state, heldByHand: { by, reason, at: event.time } };
      }
      case 'tag.released':
        return { ...state, heldByHand: null };
      case 'tag.pinned': {
        const { by, reason, to } = event.data;
        return { ...state, pinned: { by, reason, at: event.time, digest: to.digest } };
      }
      case 'tag.unpinned':
        return { ...state, pinned: null };
      case 'tag.rolled-back': {
        const { by, reason, from } = event.data;
        const left = { by, reason, at: event.time, digest: from };
        return { ...state, rolledBack: [left, ...state.rolledBack].slice(0, historyKept) };
      }
      default:
        return state;
    }
  },
  // What a person decided outlives the last task that tracks the image.
  isOver: ({ watched, pinned, heldByHand, rolledBack }) =>
    !watched && !pinned && !heldByHand && rolledBack.length === 0,
};

/** Adopts what a person chose; the look that it stands for is theirs. */
const byHand = (state: TagState, { reference, by, reason }: ByPerson, to: Snapshot, policy: string) => ({
  type: 'tag.adopted' as const,
  data: {
    reference,
    seenBy: 'Request' as const,
    hintedAt: null,
    from: state.adopted?.digest ?? null,
    to,
    policy,
    run: null,
    by,
    reason,
  },
});
