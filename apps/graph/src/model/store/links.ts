import type { Contents } from './contents.js';
import { IntLists } from './int-lists.js';
import { ChangedPages, type Paged } from './paged.js';

const perPage = 32;
/** Numbers of a tracked edge: image, set of platforms, content that the standing run used. */
export const edgeWidth = 3;

/** What each task pushes, what it tracks, and what it uses besides; as ids of images. */
export class Links implements Paged {
  readonly outputs = new IntLists();
  readonly untracked = new IntLists();
  /** {@link edgeWidth} numbers for each. A content of 0: the standing run did not use the image. */
  readonly tracked = new IntLists();
  private readonly changed = new ChangedPages();

  constructor(private readonly contents: Contents) {}

  reserve(tasks: number): void {
    for (const lists of [this.outputs, this.untracked, this.tracked]) lists.reserve(tasks);
  }

  setOutputs(task: number, images: readonly number[]): void {
    this.outputs.set(task, images);
    this.changed.add((task / perPage) | 0);
  }

  setUntracked(task: number, images: readonly number[]): void {
    this.untracked.set(task, images);
    this.changed.add((task / perPage) | 0);
  }

  /** @param edges {@link edgeWidth} numbers for each */
  setTracked(task: number, edges: readonly number[]): void {
    for (let at = 2; at < edges.length; at += edgeWidth) this.contents.keep(edges[at]!);
    for (let at = 2; at < this.tracked.length(task); at += edgeWidth) this.contents.release(this.tracked.at(task, at));
    this.tracked.set(task, edges);
    this.changed.add((task / perPage) | 0);
  }

  *takePages(): Generator<readonly [number, Uint8Array]> {
    for (const page of this.changed.take()) {
      const numbers: number[] = [];
      for (let task = page * perPage; task < (page + 1) * perPage; task += 1) {
        for (const lists of [this.outputs, this.untracked, this.tracked]) {
          numbers.push(lists.length(task));
          for (let at = 0; at < lists.length(task); at += 1) numbers.push(lists.at(task, at));
        }
      }
      yield [page, new Uint8Array(Uint32Array.from(numbers).buffer)];
    }
  }

  loadPage(page: number, bytes: Uint8Array): void {
    const numbers = Array.from(new Uint32Array(bytes.slice().buffer));
    const take = (count: number): number[] => numbers.slice(next, (next += count));
    let next = 0;
    for (let task = page * perPage; next < numbers.length; task += 1) {
      this.reserve(task + 1);
      for (const lists of [this.outputs, this.untracked, this.tracked]) lists.set(task, take(numbers[next++]!));
      for (let at = 2; at < this.tracked.length(task); at += edgeWidth) this.contents.keep(this.tracked.at(task, at));
    }
  }
}
