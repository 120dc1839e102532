/**
 * What is in memory as numbers and is stored as it is: cut into pages, each a value of its own in the database. A change
 * writes the page that it is on; to open is to read the pages back, without taking anything apart.
 */
export interface Paged {
  /** The pages that changed since they were last taken. Their bytes are good until the next change. */
  takePages(): Iterable<readonly [page: number, bytes: Uint8Array]>;
  /** Puts a page back that was taken before. */
  loadPage(page: number, bytes: Uint8Array): void;
}

/** Pages that changed. What changes one after the other is mostly on one page: that is not looked up again. */
export class ChangedPages {
  private readonly pages = new Set<number>();
  private last = -1;

  add(page: number): void {
    if (page === this.last) return;
    this.last = page;
    this.pages.add(page);
  }

  *take(): Generator<number> {
    for (const page of this.pages) yield page;
    this.pages.clear();
    this.last = -1;
  }
}

/** The same numbers, with room for more. */
export const widened = (numbers: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> => {
  const wider = new Uint32Array(capacity);
  wider.set(numbers);
  return wider;
};

/** Next capacity for `needed` entries: half as much again, so that growing costs little, and little lies idle. */
export const grown = (capacity: number, needed: number): number => Math.max(needed, capacity + (capacity >> 1), 64);
