import { hashOf } from './definition.js';

/** Digest per platform that a tracked input has. */
export type TrackedFacts = ReadonlyMap<string, Readonly<Record<string, string>>>;

/**
 * Input key: names what is due. The same task with the same definition and the same tracked facts gives the same
 * key, whatever told of the change and however often.
 */
export const inputKey = (task: string, definitionHash: string, facts: TrackedFacts): string =>
  hashOf({ task, definitionHash, facts: Object.fromEntries(facts) });

export interface ImageKeyParts {
  readonly inputKey: string;
  readonly sourceRevision: string | null;
  /** Digest per platform of inputs that are used but not tracked. */
  readonly untracked: TrackedFacts;
  /** Version of each secret that takes part, by name. */
  readonly secretVersions: Readonly<Record<string, string>>;
}

/** Image key: all that decides what comes out. Equal to that of a finished run: its image can be put back. */
export const imageKey = (parts: ImageKeyParts): string =>
  hashOf({ ...parts, untracked: Object.fromEntries(parts.untracked) });
