import { ChangedPages, grown, widened, type Paged } from './paged.js';

const perPage = 64;
/** Length of an id that is not in use. */
const unused = 0xffff_ffff;

/**
 * Texts, or any bytes, as small integers: each has one id as long as it is kept. All bytes lie in one array, so that a
 * million names are a handful of objects. What is forgotten gives its id to what comes next, the lowest one first: which
 * id a text has follows from what was put in and forgotten, whatever happened to the memory in between.
 */
export class Interner implements Paged {
  private bytes = Buffer.alloc(256);
  private used = 0;
  /** Bytes of what was forgotten. */
  private wasted = 0;
  private starts = new Uint32Array(0);
  private lengths = new Uint32Array(0);
  /** Ids plus one, by hash; 0 is empty. Linear probing. */
  private slots = new Uint32Array(64);
  private count = 0;
  /** No id below this one is free. */
  private lowest = 0;
  private scratch = Buffer.alloc(256);
  private readonly changed = new ChangedPages();

  /** Ids are below this. */
  size = 0;

  /** Id of a text; -1 when it is not there. */
  find(text: string): number {
    const length = this.encode(text);
    return this.search(this.scratch, 0, length, hashOf(this.scratch, 0, length)) - 1;
  }

  /** Id of a text, which is put in when it is not there. */
  intern(text: string): number {
    const length = this.encode(text);
    return this.put(this.scratch, length);
  }

  /** The same for bytes. */
  internBytes(bytes: Buffer): number {
    return this.put(bytes, bytes.length);
  }

  has(id: number): boolean {
    return id < this.size && this.lengths[id] !== unused;
  }

  text(id: number): string {
    const start = this.starts[id]!;
    return this.bytes.toString('utf8', start, start + this.lengths[id]!);
  }

  /** Where the bytes of an id begin, in {@link pool}; good until something is put in or forgotten. */
  start(id: number): number {
    return this.starts[id]!;
  }

  get pool(): Buffer {
    return this.bytes;
  }

  /** Forgets what has this id. */
  forget(id: number): void {
    const [start, length] = [this.starts[id]!, this.lengths[id]!];
    this.vacate(this.slotOf(id, hashOf(this.bytes, start, length)));
    this.lengths[id] = unused;
    this.count -= 1;
    this.lowest = Math.min(this.lowest, id);
    this.wasted += length;
    this.changed.add((id / perPage) | 0);
    if (this.wasted > 65_536 && this.wasted > this.used / 2) this.compact();
  }

  /** Puts ids in the order of their bytes. Three-way radix quicksort (Bentley and Sedgewick 1997). */
  sort(ids: Uint32Array): void {
    const { bytes, starts, lengths } = this;
    const byteAt = (id: number, depth: number): number => (depth < lengths[id]! ? bytes[starts[id]! + depth]! : -1);
    const open = [0, ids.length, 0];
    while (open.length > 0) {
      const depth = open.pop()!;
      const to = open.pop()!;
      const from = open.pop()!;
      if (to - from < 2) continue;
      const pivot = byteAt(ids[(from + to) >> 1]!, depth);
      let [below, at, above] = [from, from, to];
      while (at < above) {
        const id = ids[at]!;
        const byte = byteAt(id, depth);
        if (byte < pivot) {
          ids[at++] = ids[below]!;
          ids[below++] = id;
        } else if (byte > pivot) {
          ids[at] = ids[--above]!;
          ids[above] = id;
        } else at += 1;
      }
      open.push(from, below, depth, above, to, depth);
      if (pivot >= 0) open.push(below, above, depth + 1);
    }
  }

  /** Negative when the bytes of `a` come before those of `b`. */
  compare(a: number, b: number): number {
    const [startA, startB] = [this.starts[a]!, this.starts[b]!];
    return this.bytes.compare(this.bytes, startB, startB + this.lengths[b]!, startA, startA + this.lengths[a]!);
  }

  *takePages(): Generator<readonly [number, Uint8Array]> {
    for (const page of this.changed.take()) {
      const [from, to] = [page * perPage, Math.min((page + 1) * perPage, this.size)];
      let length = 0;
      for (let id = from; id < to; id += 1) length += 4 + (this.has(id) ? this.lengths[id]! : 0);
      const out = Buffer.alloc(length);
      let at = 0;
      for (let id = from; id < to; id += 1) {
        at = out.writeUInt32LE(this.lengths[id]!, at);
        if (this.has(id)) at += this.bytes.copy(out, at, this.starts[id], this.starts[id]! + this.lengths[id]!);
      }
      yield [page, out];
    }
  }

  loadPage(page: number, stored: Uint8Array): void {
    const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
    let id = page * perPage;
    for (let at = 0; at < bytes.length; id += 1) {
      const length = bytes.readUInt32LE(at);
      at += 4;
      this.reserve(id + 1);
      for (; this.size <= id; this.size += 1) this.lengths[this.size] = unused;
      if (length === unused) continue;
      this.place(id, bytes, at, length);
      at += length;
    }
  }

  private put(from: Buffer, length: number): number {
    const hash = hashOf(from, 0, length);
    const found = this.search(from, 0, length, hash);
    if (found > 0) return found - 1;
    while (this.lowest < this.size && this.lengths[this.lowest] !== unused) this.lowest += 1;
    const id = this.lowest++;
    this.reserve(id + 1);
    this.size = Math.max(this.size, id + 1);
    this.place(id, from, 0, length);
    this.changed.add((id / perPage) | 0);
    return id;
  }

  private place(id: number, from: Buffer, at: number, length: number): void {
    if (this.used + length > this.bytes.length) {
      const bytes = Buffer.allocUnsafeSlow(grown(this.bytes.length, this.used + length));
      this.bytes.copy(bytes, 0, 0, this.used);
      this.bytes = bytes;
    }
    from.copy(this.bytes, this.used, at, at + length);
    this.starts[id] = this.used;
    this.lengths[id] = length;
    this.used += length;
    this.count += 1;
    if (this.count * 4 > this.slots.length * 3) this.rehash();
    else this.occupy(id);
  }

  private reserve(size: number): void {
    if (size <= this.lengths.length) return;
    const capacity = grown(this.lengths.length, size);
    this.starts = widened(this.starts, capacity);
    this.lengths = widened(this.lengths, capacity);
  }

  /** Id plus one of these bytes; 0 when they are not there. */
  private search(from: Buffer, at: number, length: number, hash: number): number {
    const { slots, bytes, starts, lengths } = this;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = slots[slot]!;
      if (found === 0) return 0;
      if (lengths[found - 1] !== length) continue;
      const start = starts[found - 1]!;
      let same = 0;
      while (same < length && bytes[start + same] === from[at + same]) same += 1;
      if (same === length) return found;
    }
  }

  private slotOf(id: number, hash: number): number {
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    while (this.slots[slot] !== id + 1) slot = (slot + 1) & mask;
    return slot;
  }

  private occupy(id: number): void {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = hashOf(this.bytes, this.starts[id]!, this.lengths[id]!) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = id + 1;
  }

  /** Empties a slot, and moves what would not be found behind a gap (Knuth, vol. 3, 6.4, algorithm R). */
  private vacate(gap: number): void {
    const { slots } = this;
    const mask = slots.length - 1;
    slots[gap] = 0;
    for (let slot = (gap + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const id = slots[slot]! - 1;
      const home = hashOf(this.bytes, this.starts[id]!, this.lengths[id]!) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[gap] = id + 1;
      slots[slot] = 0;
      gap = slot;
    }
  }

  private rehash(): void {
    this.slots = new Uint32Array(this.slots.length * 2);
    for (let id = 0; id < this.size; id += 1) if (this.has(id)) this.occupy(id);
  }

  /** Moves what is kept together. */
  private compact(): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(this.used - this.wasted, 256));
    let used = 0;
    for (let id = 0; id < this.size; id += 1) {
      if (!this.has(id)) continue;
      const start = this.starts[id]!;
      this.starts[id] = used;
      used += this.bytes.copy(bytes, used, start, start + this.lengths[id]!);
    }
    Object.assign(this, { bytes, used, wasted: 0 });
  }

  /** Writes a text into the scratch, as UTF-8; answers how many bytes it has. */
  private encode(text: string): number {
    if (text.length * 3 > this.scratch.length) this.scratch = Buffer.alloc(text.length * 3);
    return this.scratch.write(text, 'utf8');
  }
}

/** FNV-1a, 32 bits, with a last step that spreads it over the low bits. */
const hashOf = (bytes: Uint8Array, from: number, length: number): number => {
  let hash = 0x811c9dc5;
  for (let at = from; at < from + length; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
};
