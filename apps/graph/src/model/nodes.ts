import type { TaskDefinition } from '#libs/contracts';
import type { Adoption, GraphFacts, Scan, Standing } from './facts.js';
import type { Digraph } from './loops.js';
import { derived, durationsKept, fact, type Tables } from './tables.js';
import { edgeWidth } from './store/links.js';

export interface ActiveRun {
  readonly run: string;
  readonly key: string | null;
  /** Position of the rebuild.due that it answers; null for a run by hand. */
  readonly offer: number | null;
  readonly definitionHash: string;
  readonly overridden: boolean;
  started: boolean;
  /** When its last attempt was started, in milliseconds since the epoch; null before. */
  startedAt: number | null;
  /** No builder serves its pool: it holds nobody. */
  unplaced: boolean;
  /** Outputs that a look has shown already, before the run said that it succeeded. */
  readonly answered: Set<string>;
}

/** What is known of a task only while something happens to it: at any time, of few. */
export class Motion {
  /** Runs that are queued or running. */
  readonly runs = new Map<string, ActiveRun>();
  /** Outputs of the last successful run that no look has answered yet. */
  unanswered: { readonly run: string; readonly references: Set<string> } | null = null;
  /** Failed builds of one input key in a row. `seen`: the circuit that the last one opens is in the log. */
  failures: { key: string; count: number; seen: boolean } | null = null;
  circuit: { readonly key: string; readonly reason: string; readonly retryAt: string } | null = null;
  /** Key whose automatic run a person canceled: not offered again. */
  declined: string | null = null;
  /** The last offer; over once the run that it led to has ended. */
  offer: { readonly position: number; readonly key: string; over: boolean } | null = null;

  /** Nothing happens to the task: an offer that is over says no more than none. */
  get isRest(): boolean {
    const { runs, unanswered, failures, circuit, declined, offer } = this;
    if (runs.size > 0 || unanswered || failures || circuit || declined !== null) return false;
    return offer === null || offer.over;
  }
}

/** The graph that a node is of. */
export interface Graph {
  readonly tables: Tables;
  readonly store: GraphFacts;
  /** Edges from task to task. */
  readonly edges: Digraph;
  taskAt(id: number): TaskNode;
  imageAt(id: number): ImageNode;
  /** Waves that a task is in. */
  wavesOf(task: TaskNode): string[];
}

const noRuns: ReadonlyMap<string, ActiveRun> = new Map();

/** A task: a place in the tables, and what is under way. There is one of each task that was asked for. */
export class TaskNode {
  motion: Motion | undefined;
  /** Whether it waits to be derived anew, and what of it. */
  queued: 'no' | 'counts' | 'all' = 'no';

  constructor(
    private readonly graph: Graph,
    readonly id: number,
  ) {}

  get name(): string {
    return this.graph.tables.taskNames.text(this.id);
  }

  // What is stored, and read when it is asked for.

  /** Null once deleted. */
  get definition(): TaskDefinition | null {
    return this.graph.store.defined(this.id)?.definition ?? null;
  }
  get definitionHash(): string {
    return this.graph.store.definitionHash(this.id);
  }
  get definedAt(): number {
    return this.graph.store.defined(this.id)?.at ?? 0;
  }
  get scan(): Scan | null {
    return this.graph.store.scan(this.id);
  }
  get standing(): Standing | null {
    return this.graph.store.standing(this.id);
  }

  // What is under way.

  get runs(): ReadonlyMap<string, ActiveRun> {
    return this.motion?.runs ?? noRuns;
  }
  get unanswered(): Motion['unanswered'] {
    return this.motion?.unanswered ?? null;
  }
  get failures(): Motion['failures'] {
    return this.motion?.failures ?? null;
  }
  get circuit(): Motion['circuit'] {
    return this.motion?.circuit ?? null;
  }
  get declined(): string | null {
    return this.motion?.declined ?? null;
  }
  get offer(): Motion['offer'] {
    return this.motion?.offer ?? null;
  }
  /** What is under way, to be changed. */
  get moving(): Motion {
    return (this.motion ??= new Motion());
  }
  get waves(): string[] {
    return this.graph.wavesOf(this);
  }

  // What stands in the tables.

  /** It is there: it was created, and not deleted since. */
  get isDefined(): boolean {
    return this.has(fact.defined);
  }
  get isEnabled(): boolean {
    return this.has(fact.enabled);
  }
  /** Its base image trigger is on. */
  get isTriggered(): boolean {
    return this.has(fact.triggered);
  }
  get isBuilt(): boolean {
    return this.has(fact.built);
  }
  /** What it builds is not what its standing run built. */
  get isChanged(): boolean {
    return this.has(fact.changed);
  }
  get isScanned(): boolean {
    return this.has(fact.scanned);
  }
  get isUnreadable(): boolean {
    return this.has(fact.unreadable);
  }
  get saidBlocked(): boolean {
    return this.has(fact.saidBlocked);
  }
  has(bit: number): boolean {
    return isSet(this.graph.tables.facts, this.id, bit);
  }
  note(bit: number, on: boolean): void {
    mark(this.graph.tables.facts, this.id, bit, on);
  }

  get team(): string {
    return this.word(this.graph.tables.team);
  }
  get pool(): string {
    return this.word(this.graph.tables.pool);
  }
  private word(column: { get(at: number): number }): string {
    return this.isDefined ? this.graph.tables.words.text(column.get(this.id)) : '';
  }

  /** Since when it is stale or pending, in milliseconds; the clock of patience and settling. */
  get unsettledSince(): number | null {
    const since = this.graph.tables.unsettledSince.get(this.id);
    return since === 0 ? null : since - 1;
  }
  set unsettledSince(since: number | null) {
    this.graph.tables.unsettledSince.set(this.id, since === null ? 0 : since + 1);
  }

  /** Seconds that its last builds took, newest first. */
  get durations(): readonly number[] {
    const { durations } = this.graph.tables;
    const seconds: number[] = [];
    for (let at = this.id * durationsKept; seconds.length < durationsKept; at += 1) {
      const taken = durations.get(at);
      if (taken === 0) break;
      seconds.push((taken - 1) / 1000);
    }
    return seconds;
  }
  set durations(seconds: readonly number[]) {
    const { durations } = this.graph.tables;
    for (let index = 0; index < durationsKept; index += 1) {
      const taken = seconds[index];
      durations.set(this.id * durationsKept + index, taken === undefined ? 0 : Math.round(taken * 1000) + 1);
    }
  }

  // Edges.

  /** References that it pushes, as its definition says. */
  get outputs(): string[] {
    return this.namesOf(this.graph.tables.links.outputs.list(this.id));
  }
  /** Tracked references with the platforms that they are used for. */
  get tracked(): Map<string, readonly string[]> {
    const { links, imageNames, platformSets } = this.graph.tables;
    const edges = links.tracked.list(this.id);
    const tracked = new Map<string, readonly string[]>();
    for (let at = 0; at < edges.length; at += edgeWidth) {
      tracked.set(imageNames.text(edges[at]!), platformSets.list(edges[at + 1]!));
    }
    return tracked;
  }
  /** References that it uses and does not track. */
  get untracked(): string[] {
    return this.namesOf(this.graph.tables.links.untracked.list(this.id));
  }
  private namesOf(images: readonly number[]): string[] {
    return images.map((image) => this.graph.tables.imageNames.text(image));
  }

  /** Tasks that push something that this one tracks, itself left out. */
  get up(): Set<TaskNode> {
    return this.tasks(this.graph.edges.above(this.id));
  }
  /** Images that nobody pushes, and that it stands on in the end; along edges that count. */
  rootsAbove(): ImageNode[] {
    const { links, producers, component } = this.graph.tables;
    const roots = new Set<number>();
    const seen = new Set([this.id]);
    // Sets are walked in the order of adding, and what is added on the way is walked, too.
    for (const here of seen) {
      const loop = component.get(here);
      for (let at = 0; at < links.tracked.length(here); at += edgeWidth) {
        const image = links.tracked.at(here, at);
        const pushing = producers.length(image);
        if (pushing === 0) roots.add(image);
        for (let index = 0; index < pushing; index += 1) {
          const above = producers.at(image, index);
          if (loop === 0 || component.get(above) !== loop) seen.add(above);
        }
      }
    }
    return Array.from(roots, (image) => this.graph.imageAt(image));
  }

  /** Tasks that track something that this one pushes, itself left out. */
  get down(): Set<TaskNode> {
    return this.tasks(this.graph.edges.below(this.id));
  }
  private tasks(ids: readonly number[]): Set<TaskNode> {
    return new Set(ids.map((id) => this.graph.taskAt(id)));
  }

  // What is derived.

  /** Number of the strongly connected component, where it has more than one task. */
  get component(): number | null {
    const component = this.graph.tables.component.get(this.id);
    return component === 0 ? null : component;
  }
  get tracksItself(): boolean {
    return this.is(derived.tracksItself);
  }
  set tracksItself(on: boolean) {
    this.mark(derived.tracksItself, on);
  }
  get stale(): boolean {
    return this.is(derived.stale);
  }
  set stale(on: boolean) {
    this.mark(derived.stale, on);
  }
  /** The system rebuilds it by itself when it is stale. */
  get automatic(): boolean {
    return this.is(derived.automatic);
  }
  set automatic(on: boolean) {
    this.mark(derived.automatic, on);
  }
  /** It has runs that no builder takes: until one does it holds nobody. */
  get unplaced(): boolean {
    return this.is(derived.unplaced);
  }
  set unplaced(on: boolean) {
    this.mark(derived.unplaced, on);
  }
  /** It will still change what it publishes, without a person. */
  get pending(): boolean {
    return this.is(derived.pending);
  }
  set pending(on: boolean) {
    this.mark(derived.pending, on);
  }
  /** Stale, pending, or behind something that is. */
  get unsettled(): boolean {
    return this.is(derived.unsettled);
  }
  set unsettled(on: boolean) {
    this.mark(derived.unsettled, on);
  }
  /** Tracked images that a pending task pushes; one that two of them push counts twice. */
  get pendingUp(): number {
    return this.graph.tables.pendingUp.get(this.id);
  }
  set pendingUp(count: number) {
    this.graph.tables.pendingUp.set(this.id, count);
  }
  get unsettledUp(): number {
    return this.graph.tables.unsettledUp.get(this.id);
  }
  set unsettledUp(count: number) {
    this.graph.tables.unsettledUp.set(this.id, count);
  }
  private is(bit: number): boolean {
    return isSet(this.graph.tables.derived, this.id, bit);
  }
  private mark(bit: number, on: boolean): void {
    mark(this.graph.tables.derived, this.id, bit, on);
  }
}

type Bits = Tables['facts'];

const isSet = (column: Bits, id: number, bit: number): boolean => (column.get(id) & bit) !== 0;

const mark = (column: Bits, id: number, bit: number, on: boolean): void => {
  const bits = column.get(id);
  column.set(id, on ? bits | bit : bits & ~bit);
};

/** A watched reference. */
export class ImageNode {
  constructor(
    private readonly graph: Graph,
    readonly id: number,
  ) {}

  get reference(): string {
    return this.graph.tables.imageNames.text(this.id);
  }
  /** Newest first. More than one is kept: a task stays on the last index that has all its platforms. */
  get adoptions(): readonly Adoption[] {
    return this.graph.store.adoptions(this.id);
  }
  /** When the newest one was adopted, in milliseconds since the epoch; 0 when there is none. */
  get adoptedAt(): number {
    return Math.max(0, this.graph.tables.adoptedAt.get(this.id) - 1);
  }
  /** Tasks whose definition pushes it. */
  get producers(): Set<TaskNode> {
    return this.tasks(this.graph.tables.producers.list(this.id));
  }
  /** Tasks that track it. */
  get consumers(): Set<TaskNode> {
    return this.tasks(this.graph.tables.consumers.list(this.id));
  }
  /** Nobody pushes it, as far as is known: it moves from outside. */
  get isRoot(): boolean {
    return this.graph.tables.producers.length(this.id) === 0;
  }
  /** More than one task pushes it. */
  get isShared(): boolean {
    return this.graph.tables.producers.length(this.id) > 1;
  }
  /** Tasks that use it and do not track it. */
  get others(): Set<TaskNode> {
    return this.tasks(this.graph.tables.others.list(this.id));
  }
  private tasks(ids: readonly number[]): Set<TaskNode> {
    return new Set(ids.map((id) => this.graph.taskAt(id)));
  }
}

/** What is known of tasks or images, by name. */
export interface ByName<T> {
  get(name: string): T | undefined;
  values(): Iterable<T>;
  readonly size: number;
}

export type Images = Pick<ByName<ImageNode>, 'get'>;
