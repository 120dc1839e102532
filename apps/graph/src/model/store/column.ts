import { ChangedPages, grown, type Paged } from './paged.js';

// Two kinds, not more: the engine compiles access to a few kinds of arrays well, and to many of them badly.
type Numbers = Uint32Array | Float64Array;

/** A number for each task or image, by its id; 0 where none was set. */
export class Column<A extends Numbers> implements Paged {
  private values: A;
  private readonly changed = new ChangedPages();

  /** @param perPage a power of two; 0 for what is derived, and never stored */
  constructor(
    private readonly make: new (length: number) => A,
    private readonly perPage = 0,
  ) {
    this.values = new make(0);
  }

  /** Makes room for so many. */
  reserve(size: number): void {
    if (size <= this.values.length) return;
    const { perPage } = this;
    const capacity = grown(this.values.length, size);
    const whole = perPage === 0 ? capacity : Math.ceil(capacity / perPage) * perPage;
    const values = new this.make(whole);
    values.set(this.values);
    this.values = values;
  }

  /** Room must have been made for it. */
  get(at: number): number {
    return this.values[at]!;
  }

  set(at: number, value: number): void {
    if (this.values[at] === value) return;
    this.values[at] = value;
    if (this.perPage > 0) this.changed.add((at / this.perPage) | 0);
  }

  *takePages(): Generator<readonly [number, Uint8Array]> {
    const { buffer, BYTES_PER_ELEMENT } = this.values;
    const length = this.perPage * BYTES_PER_ELEMENT;
    for (const page of this.changed.take()) yield [page, new Uint8Array(buffer, page * length, length)];
  }

  loadPage(page: number, bytes: Uint8Array): void {
    this.reserve((page + 1) * this.perPage);
    const { buffer, BYTES_PER_ELEMENT } = this.values;
    new Uint8Array(buffer).set(bytes, page * this.perPage * BYTES_PER_ELEMENT);
  }
}
