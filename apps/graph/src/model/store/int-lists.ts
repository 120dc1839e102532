import { grown, widened } from './paged.js';

/**
 * A short list of integers for each owner, all of them in one array: the edges of a graph. A list lies in a block of a
 * power of two; one that is given up is used again by the next list of that size.
 */
export class IntLists {
  private pool = new Uint32Array(64);
  private used = 0;
  private starts = new Uint32Array(0);
  private lengths = new Uint32Array(0);
  /** Start of the first free block of 2^n; each of them begins with the start of the next one, plus one. */
  private readonly free = new Float64Array(33);

  /** Makes room for so many owners. */
  reserve(owners: number): void {
    if (owners <= this.lengths.length) return;
    const capacity = grown(this.lengths.length, owners);
    this.starts = widened(this.starts, capacity);
    this.lengths = widened(this.lengths, capacity);
  }

  length(owner: number): number {
    return this.lengths[owner] ?? 0;
  }

  at(owner: number, index: number): number {
    return this.pool[this.starts[owner]! + index]!;
  }

  /** A copy. */
  list(owner: number): number[] {
    const start = this.starts[owner] ?? 0;
    return Array.from(this.pool.subarray(start, start + this.length(owner)));
  }

  has(owner: number, value: number): boolean {
    return this.indexOf(owner, value) >= 0;
  }

  set(owner: number, values: readonly number[]): void {
    const before = this.lengths[owner]!;
    if (blockOf(before) !== blockOf(values.length)) {
      this.release(this.starts[owner]!, before);
      this.starts[owner] = this.acquire(values.length);
    }
    this.lengths[owner] = values.length;
    this.pool.set(values, this.starts[owner]);
  }

  /** Puts a value at the end, if it is not in the list. */
  add(owner: number, value: number): void {
    if (!this.has(owner, value)) this.push(owner, value);
  }

  /** Puts a value at the end. */
  push(owner: number, value: number): void {
    const length = this.lengths[owner]!;
    const start = this.starts[owner]!;
    if (blockOf(length) !== blockOf(length + 1)) {
      const moved = this.acquire(length + 1);
      this.pool.copyWithin(moved, start, start + length);
      this.release(start, length);
      this.starts[owner] = moved;
    }
    this.pool[this.starts[owner]! + length] = value;
    this.lengths[owner] = length + 1;
  }

  /** Takes a value out; the others stay in their order. */
  remove(owner: number, value: number): void {
    const index = this.indexOf(owner, value);
    if (index < 0) return;
    const length = this.lengths[owner]!;
    const start = this.starts[owner]!;
    this.pool.copyWithin(start + index, start + index + 1, start + length);
    this.lengths[owner] = length - 1;
    if (blockOf(length) === blockOf(length - 1)) return;
    const moved = this.acquire(length - 1);
    this.pool.copyWithin(moved, start, start + length - 1);
    this.release(start, length);
    this.starts[owner] = moved;
  }

  private indexOf(owner: number, value: number): number {
    const length = this.length(owner);
    if (length === 0) return -1;
    const { pool } = this;
    const start = this.starts[owner]!;
    // A long list is searched by the engine, a short one is done before that has begun.
    if (length > 64) return pool.subarray(start, start + length).indexOf(value);
    for (let index = 0; index < length; index += 1) if (pool[start + index] === value) return index;
    return -1;
  }

  private acquire(length: number): number {
    if (length === 0) return 0;
    const block = blockOf(length);
    const free = this.free[block]!;
    if (free > 0) {
      this.free[block] = this.pool[free - 1]!;
      return free - 1;
    }
    const start = this.used;
    this.used += 2 ** block;
    if (this.used > this.pool.length) this.pool = widened(this.pool, grown(this.pool.length, this.used));
    return start;
  }

  private release(start: number, length: number): void {
    if (length === 0) return;
    const block = blockOf(length);
    this.pool[start] = this.free[block]!;
    this.free[block] = start + 1;
  }
}

/** The block of a list is 2^n long; -1 for an empty one, which has none. */
const blockOf = (length: number): number => (length === 0 ? -1 : 32 - Math.clz32(length - 1));
