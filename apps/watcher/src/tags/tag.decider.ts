import type { SeenBy, Snapshot } from '#libs/contracts';
import type { Decider } from '#libs/event-log';

/** How many digests of a tag are remembered. */
export const historyKept = 32;

export interface TagState {
  readonly reference: string;
  readonly watched: boolean;
  readonly watchedSince: string | null;
  /** What the last look that found something new found; null when the tag was not there. */
  readonly current: Snapshot | null;
  readonly adopted: Snapshot | null;
  readonly held: { readonly digest: string; readonly reason: string } | null;
  readonly vanished: boolean;
  /** Newest first. */
  readonly history: readonly { readonly digest: string; readonly at: string; readonly seenBy: SeenBy }[];
}

/** What policy says of a digest. */
export type Verdict =
  { readonly adopt: true; readonly policy: string } | { readonly adopt: false; readonly reason: string };

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
      readonly verdict: Verdict;
    };

type TagEvent =
  'tag.watched' | 'tag.moved' | 'tag.adopted' | 'tag.held' | 'tag.confirmed' | 'tag.vanished' | 'tag.unwatched';

export const tagDecider: Decider<TagState, TagCommand, TagEvent> = {
  kind: 'tag',
  initialState: {
    reference: '',
    watched: false,
    watchedSince: null,
    current: null,
    adopted: null,
    held: null,
    vanished: false,
    history: [],
  },
  decide: (command, state) => {
    const { reference } = command;
    switch (command.type) {
      case 'watch':
        return state.watched ? [] : [{ type: 'tag.watched', data: { reference } }];
      case 'unwatch':
        return state.watched ? [{ type: 'tag.unwatched', data: { reference } }] : [];
      case 'observe': {
        const { found, seenBy, hintedAt, run, verdict } = command;
        const look = { reference, seenBy, hintedAt };
        const confirmed = run
          ? [{ type: 'tag.confirmed' as const, data: { reference, digest: found?.digest ?? null, run } }]
          : [];
        if (!found) {
          const was = state.current?.digest ?? null;
          return state.vanished || was === null
            ? confirmed
            : [{ type: 'tag.vanished', data: { ...look, was } }, ...confirmed];
        }
        const moved =
          state.vanished || state.current?.digest !== found.digest
            ? [{ type: 'tag.moved' as const, data: { ...look, from: state.current?.digest ?? null, to: found } }]
            : [];
        if (state.adopted?.digest === found.digest) return [...moved, ...confirmed];
        if (verdict.adopt) {
          const from = state.adopted?.digest ?? null;
          return [...moved, { type: 'tag.adopted', data: { ...look, from, to: found, policy: verdict.policy, run } }];
        }
        // Said once for each digest, and once more as the answer to a run.
        if (state.held?.digest === found.digest && !run) return moved;
        return [...moved, { type: 'tag.held', data: { ...look, candidate: found, reason: verdict.reason, run } }];
      }
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'tag.watched':
        return { ...state, reference: event.data.reference, watched: true, watchedSince: event.time };
      case 'tag.unwatched':
        return { ...state, watched: false };
      case 'tag.moved':
        return {
          ...state,
          reference: event.data.reference,
          current: event.data.to,
          vanished: false,
          history: [
            { digest: event.data.to.digest, at: event.time, seenBy: event.data.seenBy },
            ...state.history,
          ].slice(0, historyKept),
        };
      case 'tag.adopted':
        return { ...state, reference: event.data.reference, adopted: event.data.to, held: null };
      case 'tag.held':
        return { ...state, held: { digest: event.data.candidate.digest, reason: event.data.reason } };
      case 'tag.vanished':
        return { ...state, vanished: true };
      default:
        return state;
    }
  },
  isOver: (state) => !state.watched,
};
