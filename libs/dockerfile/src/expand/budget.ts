import { EXPANSION_BUDGET } from '../limits.js';

/** A word cannot be expanded: bad syntax, a `${X:?}` that failed, or a result beyond the limits. */
export class ExpansionError extends Error {
  override readonly name = 'ExpansionError';
  constructor(
    readonly code: 'INVALID_EXPANSION' | 'EXPANSION_TOO_LARGE',
    message: string,
  ) {
    super(message);
  }
}

/** Counts the work of expansions, so that many words together stay as bounded as one. */
export class Budget {
  #left: number;
  constructor(steps: number = EXPANSION_BUDGET) {
    this.#left = steps;
  }

  /** @throws ExpansionError EXPANSION_TOO_LARGE when the work allowed is used up */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) {
      throw new ExpansionError('EXPANSION_TOO_LARGE', 'its variables take too much work to expand; shorten them');
    }
  }
}
