/** How long a pool may be without a builder, in milliseconds: long enough for one that is started again. */
export const absentMs = 60_000;

/** Which pools no builder has served for a while. */
export class PoolPresence {
  /** Since when nobody is there, by pool; only of pools that somebody has waited for. */
  private readonly since = new Map<string, number>();

  /**
   * @param pools that runs wait for
   * @param slots of the builders that are there, by pool
   * @param now milliseconds since the epoch
   */
  absent(pools: Iterable<string>, slots: ReadonlyMap<string, number>, now: number): ReadonlySet<string> {
    for (const pool of this.since.keys()) if (slots.has(pool)) this.since.delete(pool);
    const absent = new Set<string>();
    for (const pool of new Set(pools)) {
      if (slots.has(pool)) continue;
      const since = this.since.get(pool) ?? now;
      this.since.set(pool, since);
      if (now - since >= absentMs) absent.add(pool);
    }
    return absent;
  }
}
