/**
 * Randomness by purpose: each purpose has its own sequence, so that taking a step out of a scenario leaves the
 * delays and accidents of all others as they were. That is what makes a failing history shrink.
 */
export class Chance {
  private readonly taken = new Map<string, number>();

  constructor(private readonly seed: number) {}

  /** Next number of a purpose, 0 ≤ x < 1. */
  next(purpose: string): number {
    const count = this.taken.get(purpose) ?? 0;
    this.taken.set(purpose, count + 1);
    return hash(`${this.seed}/${purpose}/${count}`) / 4_294_967_296;
  }

  /** Whole number, both ends included. */
  between(purpose: string, low: number, high: number): number {
    return low + Math.floor(this.next(purpose) * (high - low + 1));
  }

  hit(purpose: string, probability: number): boolean {
    return probability > 0 && this.next(purpose) < probability;
  }

  pick<T>(purpose: string, from: readonly T[]): T {
    return from[Math.floor(this.next(purpose) * from.length)]!;
  }
}

/** FNV-1a with the finish of MurmurHash3: 32 bits, well spread for short texts that differ in one character. */
const hash = (text: string): number => {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};
