import type { Cause } from '#libs/contracts';
import type { Images, TaskNode } from '../model/nodes.js';

type CauseOf<T extends Cause['type']> = Extract<Cause, { type: T }>;

/**
 * A reason for a rebuild: how it is found, and the sentence that tells it. A new reason is a new file like its
 * neighbours and a line in `index.ts`.
 */
export interface RebuildReason<T extends Cause['type'] = Cause['type']> {
  readonly type: T;
  /** For machines, in answers. */
  readonly code: string;
  detect(task: TaskNode, images: Images): CauseOf<T>[];
  explain(cause: CauseOf<T>): string;
}

export const defineReason = <T extends Cause['type']>(reason: RebuildReason<T>): RebuildReason<T> => reason;

/** `sha256:1f2e3d4c5b6a…` → `1f2e3d4c5b6a`: as many characters as people compare. */
export const short = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 12);

/** `docker.io/library/node:22` → `node:22`. */
export const familiar = (reference: string): string => reference.replace(/^docker\.io\/(library\/)?/, '');

/** `2026-11-23T14:03:07.125Z` → `14:03:07 UTC on 2026-11-23`. */
export const moment = (time: string): string => `${time.slice(11, 19)} UTC on ${time.slice(0, 10)}`;
