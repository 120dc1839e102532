/**
 * What the oracle is given: plain data, made from the log by the simulator. Nothing here is imported from the
 * product, so a mistake there cannot become a mistake of the judge.
 */

/** Digest per platform. */
export type Digests = Readonly<Record<string, string>>;

export type Urgency = 'Interactive' | 'SourceChange' | 'UrgentBase' | 'Base' | 'Timer' | 'HalfOpen';

export type Fact =
  | {
      readonly kind: 'defined';
      readonly task: string;
      /** A new task, even where one of that name was before. */
      readonly created: boolean;
      /** Names what is built: equal when nothing of it changed. */
      readonly builds: string;
      readonly enabled: boolean;
      readonly tracks: 'Runtime' | 'All' | 'Nothing';
      readonly triggerEnabled: boolean;
      /** Tags that every run pushes. */
      readonly outputs: readonly string[];
    }
  | { readonly kind: 'deleted'; readonly task: string }
  | {
      readonly kind: 'scanned';
      readonly task: string;
      readonly builds: string;
      /** Null when they cannot be named. */
      readonly inputs:
        readonly { readonly reference: string; readonly role: string; readonly platforms: readonly string[] }[] | null;
    }
  | {
      readonly kind: 'adopted';
      readonly reference: string;
      readonly digest: string;
      readonly platforms: Digests;
      /** Run whose output this answers. */
      readonly run: string | null;
      /** A person said that it is urgent. */
      readonly urgent: boolean;
    }
  | { readonly kind: 'answered'; readonly reference: string; readonly run: string }
  | {
      readonly kind: 'offered';
      readonly task: string;
      readonly key: string;
      readonly basis: number;
      readonly pins: readonly { readonly reference: string; readonly platforms: Digests }[];
    }
  | { readonly kind: 'withdrawn'; readonly task: string }
  | {
      readonly kind: 'queued';
      readonly run: string;
      readonly task: string;
      readonly builds: string;
      readonly overridden: boolean;
      /** Position of the offer; null when a person asked. */
      readonly offer: number | null;
      /** Of what asked for it: a person, a changed definition, an urgent base, a base; or a try after failures. */
      readonly urgency: Urgency;
      readonly team: string;
    }
  /** No builder is there for it. */
  | { readonly kind: 'unplaced'; readonly run: string }
  | { readonly kind: 'dispatched'; readonly run: string }
  | { readonly kind: 'started'; readonly run: string }
  /** Ours was the fault: it is dispatched again, not before a moment in virtual milliseconds. */
  | { readonly kind: 'errored'; readonly run: string; readonly retryAt: number }
  | {
      readonly kind: 'succeeded';
      readonly run: string;
      readonly inputs: readonly { readonly reference: string; readonly role: string; readonly platforms: Digests }[];
      readonly outputs: readonly string[];
    }
  | { readonly kind: 'failed'; readonly run: string }
  | { readonly kind: 'canceled'; readonly run: string; readonly byPerson: boolean }
  | { readonly kind: 'circuit-opened'; readonly task: string; readonly key: string }
  | {
      readonly kind: 'circuit-closed';
      readonly task: string;
      readonly why: 'HalfOpen' | 'NewInputs' | 'NewDefinition' | 'Succeeded' | 'Reset';
    }
  /** Nothing that matters here. */
  | { readonly kind: 'other' };

export type Entry = Fact & {
  readonly position: number;
  /** Virtual milliseconds. */
  readonly at: number;
};

/** What the system showed of its tasks when it had read up to a position. */
export interface Shown {
  readonly position: number;
  readonly tasks: ReadonlyMap<string, { stale: boolean; pending: boolean; unsettled: boolean }>;
}

export interface History {
  /** In order; the position of each is one more than the one before. */
  readonly entries: readonly Entry[];
  readonly shown: readonly Shown[];
  /** Positions at which nothing more was going to happen. */
  readonly rests: readonly number[];
  /** False when the simulation was broken off: something goes on for ever. */
  readonly cameToRest: boolean;
  readonly patienceMs: number;
  /** Longest that a decision takes to become a fact; 0 where everything is decided at once. */
  readonly lagMs: number;
  /** Builds that go on at once at most. */
  readonly slots: number;
  /** Longest that what is lost may stay so; 0 where nothing is. */
  readonly lostMs: number;
}

export type Rule =
  'rest' | 'minimal' | 'order' | 'held' | 'twice' | 'shown' | 'settling' | 'pins' | 'circuit' | 'dispatch';

export interface Violation {
  readonly rule: Rule;
  readonly position: number;
  readonly task: string;
  readonly text: string;
}
