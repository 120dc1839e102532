import { Column } from './store/column.js';
import { Contents, PlatformSets } from './store/contents.js';
import { IntLists } from './store/int-lists.js';
import { Interner } from './store/interner.js';
import { Links } from './store/links.js';
import type { Paged } from './store/paged.js';

/** What of a task is stored as a bit. */
export const fact = {
  defined: 1,
  /** Its status is Enabled. */
  enabled: 2,
  /** It has a base image trigger, and that is Enabled. */
  triggered: 4,
  /** By its settings, it is rebuilt by itself. */
  automatic: 8,
  /** It has been built: there is a standing run. */
  built: 16,
  /** The standing run built another definition. */
  changed: 32,
  scanned: 64,
  /** The scan could not name the inputs. */
  unreadable: 128,
  /** `rebuild.blocked` was the last that was said of it. */
  saidBlocked: 256,
} as const;

/** What of a task is derived, and a bit. */
export const derived = { stale: 1, automatic: 2, unplaced: 4, pending: 8, unsettled: 16, tracksItself: 32 } as const;

/** Durations that are kept for each task: enough for a median that one odd build does not move. */
export const durationsKept = 5;

/**
 * The graph as numbers: a million tasks are a few dozen arrays. Tasks and images have ids, in the order in which they were
 * first heard of; whatever is known of one stands at its id in a column, and edges are lists of ids.
 */
export class Tables {
  // Stored.
  readonly taskNames = new Interner();
  readonly imageNames = new Interner();
  /** Names of teams and pools. */
  readonly words = new Interner();
  readonly platformSets = new PlatformSets();
  readonly contents = new Contents(this.platformSets);
  readonly facts = new Column(Uint32Array, 512);
  readonly team = new Column(Uint32Array, 256);
  readonly pool = new Column(Uint32Array, 256);
  /** Milliseconds since the epoch, plus one. */
  readonly unsettledSince = new Column(Float64Array, 256);
  /** Milliseconds, plus one, {@link durationsKept} of them for each task; the newest first. */
  readonly durations = new Column(Uint32Array, 256);
  readonly links = new Links(this.contents);
  /** The content of an image that was adopted last. */
  readonly content = new Column(Uint32Array, 256);
  /** When that was, in milliseconds since the epoch, plus one. */
  readonly adoptedAt = new Column(Float64Array, 256);

  // Derived.
  readonly derived = new Column(Uint32Array);
  readonly pendingUp = new Column(Uint32Array);
  readonly unsettledUp = new Column(Uint32Array);
  /** Number of the strongly connected component; 0 for one that is alone in it. */
  readonly component = new Column(Uint32Array);
  readonly rank = new Column(Uint32Array);
  /** Tasks that push an image, that track it, and that use it without. */
  readonly producers = new IntLists();
  readonly consumers = new IntLists();
  readonly others = new IntLists();

  private readonly stored: Readonly<Record<string, Paged>> = {
    task: this.taskNames,
    image: this.imageNames,
    word: this.words,
    platforms: this.platformSets,
    contents: this.contents,
    facts: this.facts,
    team: this.team,
    pool: this.pool,
    unsettledSince: this.unsettledSince,
    durations: this.durations,
    links: this.links,
    content: this.content,
    adoptedAt: this.adoptedAt,
  };

  /** Id of a task, which is made when it is new. */
  task(name: string): number {
    const id = this.taskNames.intern(name);
    this.reserveTasks(this.taskNames.size);
    return id;
  }

  image(reference: string): number {
    const id = this.imageNames.intern(reference);
    this.reserveImages(this.imageNames.size);
    return id;
  }

  /** Pages that changed since they were last taken: the name of what they are of, their number, their bytes. */
  *takePages(): Generator<readonly [string, number, Uint8Array]> {
    for (const name in this.stored)
      for (const [page, bytes] of this.stored[name]!.takePages()) yield [name, page, bytes];
  }

  /** Puts all pages back. */
  load(pages: Iterable<readonly [string, number, Uint8Array]>): void {
    for (const [name, page, bytes] of pages) this.stored[name]!.loadPage(page, bytes);
    this.reserveTasks(this.taskNames.size);
    this.reserveImages(this.imageNames.size);
  }

  private reserveTasks(size: number): void {
    for (const column of [this.facts, this.team, this.pool, this.unsettledSince]) column.reserve(size);
    for (const column of [this.derived, this.pendingUp, this.unsettledUp, this.component, this.rank])
      column.reserve(size);
    this.durations.reserve(size * durationsKept);
    this.links.reserve(size);
  }

  private reserveImages(size: number): void {
    this.content.reserve(size);
    this.adoptedAt.reserve(size);
    for (const lists of [this.producers, this.consumers, this.others]) lists.reserve(size);
  }
}
