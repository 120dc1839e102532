/** What stands in a heap knows its key and its own place, so that it can leave from the middle. */
export interface Queued {
  key: number;
  place: number;
}

/** A binary min-heap: the smallest key in O(1); putting in and taking out, also from the middle, in O(log n). */
export class Heap<T extends Queued> {
  private readonly items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  get first(): T | undefined {
    return this.items[0];
  }

  has(item: T): boolean {
    return this.items[item.place] === item;
  }

  push(item: T): void {
    this.items.push(item);
    this.up(item, this.items.length - 1);
  }

  /** Takes it out, wherever it stands; nothing happens when it is not in here. */
  remove(item: T): void {
    if (!this.has(item)) return;
    const { place } = item;
    const last = this.items.pop()!;
    item.place = -1;
    if (last === item) return;
    this.down(last, place);
    this.up(last, last.place);
  }

  private up(item: T, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = this.items[(place - 1) >> 1]!;
      if (parent.key <= item.key) break;
      this.put(parent, place);
      place = (place - 1) >> 1;
    }
    this.put(item, place);
  }

  private down(item: T, from: number): void {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.items.length) break;
      if (child + 1 < this.items.length && this.items[child + 1]!.key < this.items[child]!.key) child += 1;
      if (this.items[child]!.key >= item.key) break;
      this.put(this.items[child]!, place);
      place = child;
    }
    this.put(item, place);
  }

  private put(item: T, place: number): void {
    this.items[place] = item;
    item.place = place;
  }
}
