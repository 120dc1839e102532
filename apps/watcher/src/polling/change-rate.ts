const dayMs = 86_400_000;

/**
 * What is believed of a tag before it was ever seen to move: Gamma(½, 10 days), a mean of one move in 20 days, and wide
 * enough that few moves, or few quiet weeks, are believed more.
 */
const prior = { moves: 0.5, exposureMs: 10 * dayMs };
/** What was seen so long ago counts half: habits of publishers change. */
const halfLifeMs = 180 * dayMs;

/**
 * How often a tag moves: the mean of the posterior of a Poisson process with a Gamma prior, (½ + moves) / (10 days + time
 * watched), with both sums fading by a half-life. It is right for a quiet tag too, where moves / time says never, and
 * takes a tag that moves more often than it is looked at for slower than it is (Cho and Garcia-Molina, "Estimating
 * frequency of change", ACM TOIT 3(3), 2003); looks are much denser than moves here.
 */
export class ChangeRate {
  private moves = 0;
  private exposureMs = 0;

  /** @param since when watching began, in milliseconds */
  constructor(private at: number) {}

  /** From the moments at which it moved, in any order. */
  static of(since: number, moves: readonly number[]): ChangeRate {
    const rate = new ChangeRate(since);
    for (const at of moves.toSorted((a, b) => a - b)) if (at > since) rate.moved(at);
    return rate;
  }

  moved(at: number): void {
    this.passTo(at);
    this.moves += 1;
  }

  /** Moves per day. */
  perDay(now: number): number {
    this.passTo(now);
    return ((prior.moves + this.moves) / (prior.exposureMs + this.exposureMs)) * dayMs;
  }

  private passTo(now: number): void {
    const passed = now - this.at;
    if (passed <= 0) return;
    const kept = 0.5 ** (passed / halfLifeMs);
    this.moves *= kept;
    // The integral of what fades: ∫ 2^(-t/h) dt over what has passed.
    this.exposureMs = this.exposureMs * kept + ((1 - kept) * halfLifeMs) / Math.LN2;
    this.at = now;
  }
}
