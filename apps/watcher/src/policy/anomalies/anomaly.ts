import type { Anomaly, Snapshot } from '#libs/contracts';
import type { TagState } from '../../tags/tag-state.js';

/** A digest that a look has just found, and what was known before it. */
export interface Sighting {
  readonly tag: TagState;
  readonly found: Snapshot;
  /** Platforms that dependants build. */
  readonly wanted: readonly string[];
  /** Watched tags of the repository that moved within {@link manyTagsWithinMs}, this one included. */
  readonly movedTogether: number;
}

/** Something odd about a digest. A new one is a file here and a line in `index.ts`. */
export interface AnomalyKind {
  readonly code: Anomaly['code'];
  /** A sentence where it is odd. */
  detect(sighting: Sighting): string | undefined;
}

/** More tags of one repository than this within the time below are odd: a stolen login retags all it can. */
export const manyTags = 20;
export const manyTagsWithinMs = 600_000;
