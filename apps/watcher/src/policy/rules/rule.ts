import type { Anomaly, HoldCode, Snapshot } from '#libs/contracts';
import type { TagState } from '../../tags/tag-state.js';
import type { PolicySettings } from '../settings.js';

/** A digest that is not adopted, and all that is needed to decide about it. Times in milliseconds. */
export interface Question {
  readonly reference: string;
  readonly tag: TagState;
  readonly found: Snapshot;
  /** When it was seen first. */
  readonly since: number;
  /** When another digest took its place; null while the tag names it. */
  readonly replacedAt: number | null;
  readonly anomalies: readonly Anomaly[];
  /** Whether a run of ours pushed it. */
  readonly pushed: boolean;
  /** Platforms that dependants build. */
  readonly wanted: readonly string[];
  readonly settings: PolicySettings;
  readonly now: number;
}

export interface Objection {
  readonly reason: string;
  /** When there is none any more if nothing else happens, in milliseconds; null: not by time alone. */
  readonly until: number | null;
}

/** One thing that keeps a digest from dependants. A new one is a file here and a line in `index.ts`. */
export interface AdoptionRule {
  readonly code: HoldCode;
  /** Whether it counts while nothing is adopted, so that there is nothing to stay on. */
  readonly first?: boolean;
  objection(question: Question): Objection | undefined;
}
