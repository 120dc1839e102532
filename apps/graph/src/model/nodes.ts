import type { PushedImage, ScannedInput, SeenBy, Snapshot, TaskDefinition, UsedInput } from '#libs/contracts';

/** A digest that policy let dependants use, with where it came from. */
export interface Adoption {
  readonly snapshot: Snapshot;
  readonly position: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly seenBy: SeenBy;
  readonly hintedAt: string | null;
  /** The run that pushed it, where it was one of ours. */
  readonly run: string | null;
  /** A person released it as urgent. */
  readonly urgent?: boolean;
}

/** A watched reference. */
export interface ImageNode {
  readonly reference: string;
  /** Newest first. More than one is kept: a task stays on the last index that has all its platforms. */
  adoptions: Adoption[];
  /** Tasks whose definition pushes it. */
  readonly producers: Set<TaskNode>;
  /** Tasks that track it. */
  readonly consumers: Set<TaskNode>;
  /** Tasks that use it and do not track it; undefined while there are none, as for most images. */
  others: Set<TaskNode> | undefined;
}

/** The last successful run of a task's own definition: what the task stands on. */
export interface Standing {
  readonly run: string;
  readonly definitionHash: string;
  readonly position: number;
  readonly inputs: readonly UsedInput[];
  readonly outputs: readonly PushedImage[];
  readonly sourceRevision: string | null;
}

export interface ActiveRun {
  readonly run: string;
  readonly key: string | null;
  /** Position of the rebuild.due that it answers; null for a run by hand. */
  readonly offer: number | null;
  readonly definitionHash: string;
  readonly overridden: boolean;
  started: boolean;
  /** When its last attempt was started, in milliseconds since the epoch; null before. */
  startedAt: number | null;
  /** No builder serves its pool: it holds nobody. */
  unplaced: boolean;
  /** Outputs that a look has shown already, before the run said that it succeeded. */
  readonly answered: Set<string>;
}

export interface TaskNode {
  readonly name: string;
  /** Null once deleted. */
  definition: TaskDefinition | null;
  definitionHash: string;
  definedAt: number;
  scan: {
    readonly status: 'Known' | 'Unknown';
    readonly reason: string | null;
    readonly inputs: readonly ScannedInput[];
    readonly position: number;
  } | null;
  standing: Standing | null;
  /** Runs that are queued or running. */
  readonly runs: Map<string, ActiveRun>;
  /** Outputs of the last successful run that no look has answered yet. */
  unanswered: { readonly run: string; readonly references: Set<string> } | null;
  /** Failed builds of one input key in a row. `seen`: the circuit that the last one opens is in the log. */
  failures: { key: string; count: number; seen: boolean } | null;
  circuit: { readonly key: string; readonly reason: string; readonly retryAt: string } | null;
  /** Seconds that its last builds took, newest first. */
  durations: readonly number[];
  /** Key whose automatic run a person canceled: not offered again. */
  declined: string | null;
  /** The last offer; over once the run that it led to has ended. */
  offer: { readonly position: number; readonly key: string; over: boolean } | null;

  // What follows is derived; recomputed when it is loaded.

  /** Tracked references with the platforms that they are used for. */
  tracked: Map<string, readonly string[]>;
  /** References that it uses and does not track. */
  untracked: readonly string[];
  /** Its place among all tasks by name, as of the last time that they were put in order. */
  rank: number;
  /** Tasks that push something this one tracks, itself left out. */
  up: Set<TaskNode>;
  readonly down: Set<TaskNode>;
  /** Number of the strongly connected component, where it has more than one task. */
  component: number | null;
  tracksItself: boolean;
  stale: boolean;
  /** The system rebuilds it by itself when it is stale. */
  automatic: boolean;
  /** It has runs that no builder takes: until one does it holds nobody. */
  unplaced: boolean;
  /** It will still change what it publishes, without a person. */
  pending: boolean;
  /** Stale, pending, or behind something that is. */
  unsettled: boolean;
  pendingUp: number;
  unsettledUp: number;
  /** Since when it is stale or pending, in milliseconds; the clock of patience and settling. */
  unsettledSince: number | null;
  readonly waves: Set<string>;
}

export const newTask = (name: string): TaskNode => ({
  name,
  definition: null,
  definitionHash: '',
  definedAt: 0,
  scan: null,
  standing: null,
  runs: new Map(),
  unanswered: null,
  failures: null,
  circuit: null,
  durations: [],
  declined: null,
  offer: null,
  tracked: new Map(),
  untracked: [],
  rank: 0,
  up: new Set(),
  down: new Set(),
  component: null,
  tracksItself: false,
  stale: false,
  automatic: false,
  unplaced: false,
  pending: false,
  unsettled: false,
  pendingUp: 0,
  unsettledUp: 0,
  unsettledSince: null,
  waves: new Set(),
});

export const newImage = (reference: string): ImageNode => ({
  reference,
  adoptions: [],
  producers: new Set(),
  consumers: new Set(),
  others: undefined,
});
