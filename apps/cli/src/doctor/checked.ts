import type { Finding } from '#libs/contracts';

/** One thing that was looked at, and what is wrong with it. */
export interface Checked {
  /** `cli` or the name of the process, and the check. */
  readonly check: string;
  readonly looked: string;
  readonly findings: readonly Finding[];
}
