import { failuresToOpenCircuit, knownInputs, rebuildsAutomatically, stableOutputs, trackedInputs } from '#libs/domain';
import type { TaskDefinition } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';
import { MemoryFacts, type Defined, type GraphFacts, type Scan, type Standing } from './facts.js';
import { findLoops, reaches, wayBack, type Digraph } from './loops.js';
import { ImageNode, TaskNode, type ActiveRun, type ByName, type Graph, type Motion } from './nodes.js';
import { Queue } from './queue.js';
import { currentKey, inLoop, movedInputs } from './staleness.js';
import { edgeWidth } from './store/links.js';
import { durationsKept, fact, Tables } from './tables.js';

/** What changed since it was last taken: what must be decided again, and what must be stored. */
export interface Changes {
  readonly tasks: Set<TaskNode>;
}

/** Told of what the model derives; the waves listen. */
export interface ModelListener {
  /** An image has a newly adopted digest, and everything that follows from it is settled. */
  adopted?(image: ImageNode, event: RecordedEvent<'tag.adopted'>): void;
  /** A task stopped being pending, or became fresh. */
  settled?(task: TaskNode, event: RecordedEvent): void;
  succeeded?(task: TaskNode, event: RecordedEvent<'run.succeeded'>): void;
  /** Waves that a task is in. */
  wavesOf?(task: TaskNode): string[];
}

/**
 * The dependency graph in memory: who stands on what, who is stale, who is pending. It is a function of the log:
 * `apply` takes one event and brings everything that follows from it up to date, from the change outwards.
 *
 * Pending goes through the whole chain, as a counter of pending upstream tasks: looking at direct upstreams only would
 * build the foot of an uneven diamond twice.
 *
 * What it is made of are numbers in {@link Tables}; a node is a name for a row of them. What is large and seldom asked
 * is in `store`.
 */
export class GraphModel implements Graph {
  readonly tables = new Tables();
  readonly edges = edgesIn(this.tables);
  readonly tasks = new TaskIndex(this);
  readonly images = new ImageIndex(this);
  readonly changes: Changes = { tasks: new Set() };
  private readonly runs = new Map<string, TaskNode>();
  /** Tasks whose last successful run has outputs without an answer, by that run. */
  private readonly answering = new Map<string, TaskNode>();
  private readonly queue = new Queue();
  private readonly nodes = new Map<number, TaskNode>();
  /** Tasks in the order of their names. */
  private order = new Uint32Array(0);

  constructor(
    private readonly listener: ModelListener = {},
    readonly store: GraphFacts = new MemoryFacts(),
  ) {}

  image(reference: string): ImageNode {
    return this.imageAt(this.tables.image(reference));
  }

  task(name: string): TaskNode {
    return this.taskAt(this.tables.task(name));
  }

  taskAt(id: number): TaskNode {
    let node = this.nodes.get(id);
    if (!node) this.nodes.set(id, (node = new TaskNode(this, id)));
    return node;
  }

  imageAt(id: number): ImageNode {
    return new ImageNode(this, id);
  }

  /** To look at a task, not to keep it: of most, nothing is kept but their numbers. */
  glance(id: number): TaskNode {
    return this.nodes.get(id) ?? new TaskNode(this, id);
  }

  wavesOf(task: TaskNode): string[] {
    return this.listener.wavesOf?.(task) ?? [];
  }

  /** Every task that there was, ordered by name. */
  tasksByName(): TaskNode[] {
    return Array.from(this.ranked(), (id) => this.glance(id));
  }

  /** Ids of all tasks in the order of their names, which is their rank. Put in order anew when a name came. */
  ranked(): Uint32Array {
    const { taskNames, rank } = this.tables;
    const { order } = this;
    if (order.length === taskNames.size) return order;
    const added = Uint32Array.from({ length: taskNames.size - order.length }, (_, at) => order.length + at);
    taskNames.sort(added);
    const all = new Uint32Array(taskNames.size);
    for (let at = 0, old = 0, fresh = 0; at < all.length; at += 1) {
      const takesOld =
        fresh === added.length || (old < order.length && taskNames.compare(order[old]!, added[fresh]!) < 0);
      all[at] = takesOld ? order[old++]! : added[fresh++]!;
      rank.set(all[at]!, at);
    }
    return (this.order = all);
  }

  /** References for which this digest was adopted, of an index or of a platform, as far back as that is kept. */
  referencesOf(digest: string): string[] {
    const images = this.store.imagesWith(digest);
    return images.map((image) => this.tables.imageNames.text(image)).sort();
  }

  /** Task of a run that is queued or running. */
  taskOfRun(run: string): TaskNode | undefined {
    return this.runs.get(run);
  }

  /** A shortest path from the task back to itself, for people: `a → b → a`. Empty when it is in no loop. */
  loopPath(task: TaskNode): string[] {
    if (task.tracksItself) return [task.name, task.name];
    if (task.component === null) return [];
    return wayBack(this.edges, task.id).map((id) => this.tables.taskNames.text(id));
  }

  apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'task.created':
      case 'task.updated':
        return this.define(event);
      case 'task.deleted': {
        const task = this.task(event.data.task);
        this.store.putDefined(task.id, null);
        this.putScan(task, null);
        this.describe(task, null);
        if (task.motion) task.motion.circuit = null;
        return this.relink(task, event, { defined: null });
      }
      case 'task.scanned': {
        const task = this.task(event.data.task);
        // A scan of an older definition says nothing about this one.
        if (!task.isDefined || task.definitionHash !== event.data.definitionHash) return;
        const { status, reason, inputs } = event.data;
        const scan = { status, reason, inputs, position: event.sequence };
        this.putScan(task, scan);
        return this.relink(task, event, { scan });
      }
      case 'task.circuit-opened': {
        const task = this.task(event.data.task);
        task.moving.circuit = { key: event.data.key, reason: event.data.reason, retryAt: event.data.retryAt };
        if (task.failures) task.failures.seen = true;
        return this.touch(task, event);
      }
      case 'task.circuit-closed': {
        const task = this.task(event.data.task);
        const { moving } = task;
        moving.circuit = null;
        moving.declined = null;
        if (event.data.reason !== 'HalfOpen') moving.failures = null;
        else if (moving.failures) moving.failures.seen = true;
        return this.touch(task, event);
      }
      case 'rebuild.due': {
        const task = this.task(event.data.task);
        task.moving.offer = { position: event.sequence, key: event.data.key, over: false };
        task.note(fact.saidBlocked, false);
        this.changes.tasks.add(task);
        return;
      }
      case 'rebuild.blocked':
      case 'rebuild.settled': {
        const task = this.task(event.data.task);
        if (task.offer) task.offer.over = true;
        task.note(fact.saidBlocked, event.type === 'rebuild.blocked');
        this.changes.tasks.add(task);
        return;
      }
      case 'run.queued':
        return this.queued(event);
      case 'run.unplaced':
        return this.place(event, { unplaced: true });
      case 'run.dispatched':
        return this.place(event, { unplaced: false });
      case 'run.started':
        return this.place(event, { unplaced: false, started: true, startedAt: Date.parse(event.time) });
      case 'run.succeeded':
        return this.succeeded(event);
      case 'run.failed':
      case 'run.timed-out':
        return this.failed(event);
      case 'run.canceled': {
        const [task, run] = this.ended(event.data.run);
        if (!task || !run) return;
        if (event.data.reason === 'Requested' && run.key !== null) task.moving.declined = run.key;
        return this.touch(task, event);
      }
      case 'run.errored': {
        if (event.data.retryAt !== null) return;
        const [task] = this.ended(event.data.run);
        if (task) this.touch(task, event);
        return;
      }
      case 'tag.adopted':
        return this.adopted(event);
      case 'tag.held':
        if (event.data.run) this.answer(event.data.reference, event.data.run, event);
        return;
      case 'tag.confirmed':
        return this.answer(event.data.reference, event.data.run, event);
      default:
        return;
    }
  }

  /**
   * Rebuilds everything derived, after the tables were loaded and the motions put in.
   *
   * @returns tasks of which something may have to be said
   */
  restore(): TaskNode[] {
    const { tables } = this;
    const { producers, consumers, others, links, content, contents } = tables;
    const [tasks, images] = [tables.taskNames.size, tables.imageNames.size];
    for (let task = 0; task < tasks; task += 1) {
      for (let at = 0; at < links.outputs.length(task); at += 1) producers.push(links.outputs.at(task, at), task);
      for (let at = 0; at < links.untracked.length(task); at += 1) others.push(links.untracked.at(task, at), task);
      for (let at = 0; at < links.tracked.length(task); at += edgeWidth) {
        if (isFirstOfImage(tables, task, at)) consumers.push(links.tracked.at(task, at), task);
      }
    }
    for (let image = 0; image < images; image += 1) {
      contents.keep(content.get(image));
      if (producers.length(image) === 0) this.images.moved(this.imageAt(image));
    }
    for (const task of this.nodes.values()) {
      for (const run of task.runs.keys()) this.runs.set(run, task);
      if (task.unanswered) this.answering.set(task.unanswered.run, task);
    }
    for (const [task, component] of findLoops(this.edges)) tables.component.set(task, component);
    for (let id = 0; id < tasks; id += 1) {
      const task = this.glance(id);
      task.tracksItself = this.isOnItself(id);
      this.rederive(task, 'all');
    }
    this.settle(null);
    this.changes.tasks.clear();
    const open: TaskNode[] = [];
    for (let id = 0; id < tasks; id += 1) {
      const task = this.glance(id);
      if (task.stale || task.motion || task.saidBlocked) open.push(this.taskAt(id));
    }
    this.ranked();
    return open;
  }

  private define(event: RecordedEvent<'task.created'> | RecordedEvent<'task.updated'>): void {
    const { definition, definitionHash } = event.data;
    const task = this.task(definition.name);
    const before = this.store.defined(task.id);
    if (event.type === 'task.created') {
      // A task of the same name that was deleted is another task; what still runs for it says nothing of this one.
      this.putStanding(task, null);
      task.durations = [];
      for (const run of task.runs.keys()) this.runs.delete(run);
      this.awaitAnswers(task, null);
      task.motion = undefined;
    }
    const isOther = event.type === 'task.created' || before?.hash !== definitionHash;
    if (isOther) {
      this.putScan(task, null);
      if (task.motion) Object.assign(task.motion, { circuit: null, failures: null });
    }
    const defined = { definition, hash: definitionHash, at: isOther ? event.sequence : before!.at };
    this.store.putDefined(task.id, defined);
    this.describe(task, definition);
    this.relink(task, event, { defined });
  }

  /** Notes what of a definition is asked often. */
  private describe(task: TaskNode, definition: TaskDefinition | null): void {
    task.note(fact.defined, definition !== null);
    task.note(fact.enabled, definition?.status === 'Enabled');
    task.note(fact.triggered, definition?.trigger.baseImageTrigger?.status === 'Enabled');
    task.note(fact.automatic, definition !== null && rebuildsAutomatically(definition));
    if (!definition) return;
    const { words, team, pool } = this.tables;
    team.set(task.id, words.intern(definition.team));
    pool.set(task.id, words.intern(definition.agentPoolName));
  }

  private putScan(task: TaskNode, scan: TaskNode['scan']): void {
    if (scan || task.isScanned) this.store.putScan(task.id, scan);
    task.note(fact.scanned, scan !== null);
    task.note(fact.unreadable, scan?.status === 'Unknown');
  }

  private putStanding(task: TaskNode, standing: Standing | null): void {
    if (standing || task.isBuilt) this.store.putStanding(task.id, standing);
    task.note(fact.built, standing !== null);
  }

  private queued(event: RecordedEvent<'run.queued'>): void {
    const { run, task: name, key, offer, definitionHash, overridden } = event.data;
    if (name === null) return;
    const task = this.task(name);
    task.moving.runs.set(run, {
      run,
      key,
      offer,
      definitionHash,
      overridden,
      started: false,
      startedAt: null,
      unplaced: false,
      answered: new Set(),
    });
    this.runs.set(run, task);
    this.touch(task, event);
  }

  /** What is known of where a run is built. */
  private place(
    event: RecordedEvent<'run.unplaced' | 'run.dispatched' | 'run.started'>,
    place: Partial<Pick<ActiveRun, 'started' | 'startedAt' | 'unplaced'>>,
  ): void {
    const task = this.runs.get(event.data.run);
    const run = task?.runs.get(event.data.run);
    if (!task || !run) return;
    Object.assign(run, place);
    this.touch(task, event);
  }

  private succeeded(event: RecordedEvent<'run.succeeded'>): void {
    const { run: id, inputs, outputs, sourceRevision } = event.data;
    const [task, run] = this.ended(id);
    if (!task || !run) return;
    Object.assign(task.moving, { failures: null, declined: null, circuit: null });
    // What comes next waits anew: patience is for one build.
    task.unsettledSince = null;
    // Waited for is what somebody tracks at this position; the watcher answers exactly those.
    const tracked = outputs
      .map(({ reference }) => reference)
      .filter((reference) => this.isTracked(reference) && !run.answered.has(reference));
    this.awaitAnswers(task, tracked.length > 0 ? { run: id, references: new Set(tracked) } : null);
    let standing: Standing | undefined;
    if (!run.overridden) {
      const { definitionHash } = run;
      standing = { run: id, definitionHash, position: event.sequence, inputs, outputs, sourceRevision };
      this.putStanding(task, standing);
      if (run.startedAt !== null) {
        const seconds = Math.max(0, Date.parse(event.time) - run.startedAt) / 1000;
        task.durations = [seconds, ...task.durations].slice(0, durationsKept);
      }
    }
    // Before anything is settled: what settles leaves its wave, with the status that it has then.
    this.listener.succeeded?.(task, event);
    if (standing) this.relink(task, event, { standing });
    else this.touch(task, event);
  }

  private failed(event: RecordedEvent<'run.failed'> | RecordedEvent<'run.timed-out'>): void {
    const [task, run] = this.ended(event.data.run);
    if (!task || !run) return;
    if (run.key !== null) {
      const count = task.failures?.key === run.key ? task.failures.count + 1 : 1;
      task.moving.failures = { key: run.key, count, seen: count < failuresToOpenCircuit };
    }
    this.touch(task, event);
  }

  /** Takes a run off its task. */
  private ended(id: string): [TaskNode, ActiveRun] | [undefined, undefined] {
    const task = this.runs.get(id);
    const run = task?.runs.get(id);
    if (!task || !run) return [undefined, undefined];
    task.moving.runs.delete(id);
    this.runs.delete(id);
    if (task.offer && run.offer === task.offer.position) task.offer.over = true;
    return [task, run];
  }

  private adopted(event: RecordedEvent<'tag.adopted'>): void {
    const { reference, to, seenBy, hintedAt, run, urgent } = event.data;
    const image = this.image(reference);
    const at = Date.parse(event.time);
    const adoption = {
      snapshot: to,
      position: event.sequence,
      at,
      seenBy,
      hintedAt,
      run,
      ...(urgent ? { urgent } : {}),
    };
    const { content, contents, adoptedAt, consumers } = this.tables;
    const before = content.get(image.id);
    this.store.adopt(image.id, adoption, before === 0);
    const now = contents.of(to.platforms);
    contents.keep(now);
    contents.release(before);
    content.set(image.id, now);
    adoptedAt.set(image.id, at + 1);
    if (image.isRoot) this.images.moved(image);
    for (const consumer of consumers.list(image.id)) this.queue.add(this.taskAt(consumer));
    if (run) this.markAnswered(reference, run);
    this.settle(event);
    this.listener.adopted?.(image, event);
  }

  private answer(reference: string, run: string, event: RecordedEvent): void {
    this.markAnswered(reference, run);
    this.settle(event);
  }

  private markAnswered(reference: string, run: string): void {
    const running = this.runs.get(run);
    if (running) {
      running.runs.get(run)?.answered.add(reference);
      this.changes.tasks.add(running);
    }
    const task = this.answering.get(run);
    if (!task?.unanswered?.references.delete(reference)) return;
    if (task.unanswered.references.size === 0) this.awaitAnswers(task, null);
    this.queue.add(task);
  }

  private awaitAnswers(task: TaskNode, unanswered: Motion['unanswered']): void {
    if (task.unanswered) this.answering.delete(task.unanswered.run);
    if (unanswered) this.answering.set(unanswered.run, task);
    if (unanswered || task.motion) task.moving.unanswered = unanswered;
  }

  /** Nobody tracks the reference any more, so it is not watched and not answered; later is another matter. */
  private stopWaitingFor(reference: string): void {
    for (const task of this.answering.values()) {
      if (!task.unanswered?.references.delete(reference)) continue;
      if (task.unanswered.references.size === 0) this.awaitAnswers(task, null);
      this.queue.add(task);
    }
  }

  private isTracked(reference: string): boolean {
    const image = this.tables.imageNames.find(reference);
    return image >= 0 && this.tables.consumers.length(image) > 0;
  }

  private touch(task: TaskNode, event: RecordedEvent): void {
    this.queue.add(task);
    this.settle(event);
  }

  /**
   * Brings the edges of a task up to date after its definition or inputs changed.
   *
   * @param just what was stored just now, and need not be read again
   */
  private relink(
    task: TaskNode,
    event: RecordedEvent,
    just: { readonly defined?: Defined | null; readonly standing?: Standing; readonly scan?: Scan } = {},
  ): void {
    const standing = just.standing ?? (task.isBuilt ? task.standing : null);
    const scan = just.scan ?? (task.isScanned ? task.scan : null);
    const defined = just.defined === undefined ? this.store.defined(task.id) : just.defined;
    const definition = defined?.definition ?? null;
    const definitionHash = defined?.hash ?? '';
    task.note(fact.changed, defined !== null && standing !== null && standing.definitionHash !== definitionHash);
    const affected = new Set([task]);
    let closesLoop = this.relinkOutputs(task, definition, affected);

    const knowledge = { definition, definitionHash, scan, standing };
    const tracked = trackedInputs(knowledge);
    const untracked = new Set<number>();
    if (definition) {
      for (const { reference } of knownInputs(knowledge) ?? []) {
        if (!tracked.has(reference)) untracked.add(this.tables.image(reference));
      }
    }
    this.relinkUntracked(task, [...untracked]);
    closesLoop = this.relinkTracked(task, this.edgesTo(tracked, standing)) || closesLoop;

    if (closesLoop) this.findLoops();
    for (const one of affected) {
      this.recount(one);
      this.queue.add(one);
    }
    this.settle(event);
  }

  /**
   * The producers of an image are those that push it now; a deleted task pushes nothing. Adds the tasks whose upstream
   * tasks changed; answers whether the loops must be found again.
   */
  private relinkOutputs(task: TaskNode, definition: TaskDefinition | null, affected: Set<TaskNode>): boolean {
    const { tables, edges } = this;
    const { links, producers, consumers } = tables;
    const before = links.outputs.list(task.id);
    const now = definition ? stableOutputs(definition).map((reference) => tables.image(reference)) : [];
    if (before.length === now.length && before.every((image, at) => image === now[at])) return false;
    links.setOutputs(task.id, now);
    let closesLoop = false;
    for (const image of new Set([...before, ...now])) {
      const [pushed, pushes] = [before.includes(image), now.includes(image)];
      if (pushed === pushes) continue;
      if (pushes) producers.add(image, task.id);
      else producers.remove(image, task.id);
      const node = this.imageAt(image);
      if (node.isRoot) this.images.moved(node);
      for (const consumer of consumers.list(image)) {
        const below = this.taskAt(consumer);
        affected.add(below);
        if (below === task) task.tracksItself = this.isOnItself(task.id);
        else if (pushed) closesLoop ||= inLoop(task, below);
        else closesLoop ||= edges.below(consumer).length > 0 && reaches(edges, consumer, new Set([task.id]));
      }
    }
    return closesLoop;
  }

  /** What a task uses without tracking it. */
  private relinkUntracked(task: TaskNode, now: readonly number[]): void {
    const { links, others } = this.tables;
    const before = links.untracked.list(task.id);
    if (before.length === 0 && now.length === 0) return;
    for (const image of before) if (!now.includes(image)) others.remove(image, task.id);
    for (const image of now) others.add(image, task.id);
    links.setUntracked(task.id, now);
  }

  /** The edges to tracked images: for each, what the standing run used of it. */
  private edgesTo(tracked: ReadonlyMap<string, readonly string[]>, standing: Standing | null): number[] {
    const { tables } = this;
    const edges: number[] = [];
    for (const [reference, platforms] of tracked) {
      const image = tables.image(reference);
      const set = tables.platformSets.of(platforms);
      const from = edges.length;
      for (const used of standing?.inputs ?? []) {
        if (used.reference !== reference) continue;
        const content = tables.contents.of(used.platforms);
        // In one role it may have been another digest than in another one.
        if (edges.length === from || edges.at(-1) !== content) edges.push(image, set, content);
      }
      if (edges.length === from) edges.push(image, set, 0);
    }
    return edges;
  }

  /** Answers whether the loops must be found again. */
  private relinkTracked(task: TaskNode, now: readonly number[]): boolean {
    const { tables, edges } = this;
    const { links, consumers } = tables;
    const imagesBefore = imagesOf(links.tracked.list(task.id));
    const imagesNow = imagesOf(now);
    const isSame = imagesBefore.size === imagesNow.size && [...imagesNow].every((image) => imagesBefore.has(image));
    const before = isSame ? undefined : edges.above(task.id);
    links.setTracked(task.id, now);
    if (!before) return false;
    for (const image of imagesBefore) {
      if (imagesNow.has(image)) continue;
      consumers.remove(image, task.id);
      if (consumers.length(image) === 0) this.stopWaitingFor(tables.imageNames.text(image));
    }
    for (const image of imagesNow) if (!imagesBefore.has(image)) consumers.add(image, task.id);
    task.tracksItself = this.isOnItself(task.id);
    const above = edges.above(task.id);
    if (before.some((one) => !above.includes(one) && inLoop(this.glance(one), task))) return true;
    const added = new Set(above.filter((one) => !before.includes(one)));
    return added.size > 0 && edges.below(task.id).length > 0 && reaches(edges, task.id, added);
  }

  private isOnItself(task: number): boolean {
    const { outputs } = this.tables.links;
    for (let at = 0; at < outputs.length(task); at += 1) {
      if (this.tables.consumers.has(outputs.at(task, at), task)) return true;
    }
    return false;
  }

  private findLoops(): void {
    const { component } = this.tables;
    const loops = findLoops(this.edges);
    const moved = new Set<TaskNode>();
    for (let id = 0; id < this.tables.taskNames.size; id += 1) {
      const now = loops.get(id) ?? 0;
      if (now === 0 && component.get(id) === 0) continue;
      component.set(id, now);
      moved.add(this.taskAt(id));
      for (const below of this.edges.below(id)) moved.add(this.taskAt(below));
    }
    // An edge counts or not by the components of both of its ends.
    for (const task of moved) {
      this.recount(task);
      this.queue.add(task);
    }
  }

  private recount(task: TaskNode): void {
    const { tables } = this;
    const { links, producers } = tables;
    let [pendingUp, unsettledUp] = [0, 0];
    for (let at = 0; at < links.tracked.length(task.id); at += edgeWidth) {
      if (!isFirstOfImage(tables, task.id, at)) continue;
      const image = links.tracked.at(task.id, at);
      for (let index = 0; index < producers.length(image); index += 1) {
        const above = this.glance(producers.at(image, index));
        if (inLoop(above, task)) continue;
        if (above.pending) pendingUp += 1;
        if (above.unsettled) unsettledUp += 1;
      }
    }
    task.pendingUp = pendingUp;
    task.unsettledUp = unsettledUp;
  }

  /** Works from the changed tasks outwards until nothing changes any more. Without loops it ends. */
  private settle(event: RecordedEvent | null): void {
    const now = event ? Date.parse(event.time) : 0;
    for (let next = this.queue.take(); next; next = this.queue.take()) {
      const { task, asks } = next;
      const { pending, stale } = task;
      this.rederive(task, asks);
      this.changes.tasks.add(task);
      // While everything is derived anew, a task may be met before what makes it pending: its clock was stored.
      if (!event) continue;
      if (!task.stale && !task.pending) task.unsettledSince = null;
      else if (task.unsettledSince === null) task.unsettledSince = now;
      if ((pending || stale) && !task.pending) this.listener.settled?.(task, event);
    }
  }

  /** Derives a task, and tells those below what of it is another now; those for which that matters are derived next. */
  private rederive(task: TaskNode, asks: 'all' | 'counts'): void {
    const { pending, unsettled } = task;
    this.derive(task, asks);
    const pendingBy = Number(task.pending) - Number(pending);
    const unsettledBy = Number(task.unsettled) - Number(unsettled);
    if (pendingBy === 0 && unsettledBy === 0) return;
    const { links, consumers, component, pendingUp, unsettledUp } = this.tables;
    const loop = component.get(task.id);
    for (let output = 0; output < links.outputs.length(task.id); output += 1) {
      const image = links.outputs.at(task.id, output);
      for (let at = 0; at < consumers.length(image); at += 1) {
        const below = consumers.at(image, at);
        if (below === task.id || (loop !== 0 && component.get(below) === loop)) continue;
        const [pendingNow, unsettledNow] = [pendingUp.get(below) + pendingBy, unsettledUp.get(below) + unsettledBy];
        // One more or less of several changes nothing.
        const matters = pendingNow > 0 !== pendingUp.get(below) > 0 || unsettledNow > 0 !== unsettledUp.get(below) > 0;
        pendingUp.set(below, pendingNow);
        unsettledUp.set(below, unsettledNow);
        if (matters) this.queue.addCounted(this.taskAt(below));
      }
    }
  }

  private derive(task: TaskNode, asks: 'all' | 'counts' = 'all'): void {
    if (asks === 'all') task.stale = task.isDefined && (task.isChanged || this.hasMovedInput(task));
    task.automatic = task.isBuilt && task.has(fact.automatic) && !this.isHeldByFailure(task);
    task.unplaced = isUnplaced(task);
    task.pending =
      task.unanswered !== null ||
      (!task.unplaced && (task.runs.size > 0 || (task.automatic && (task.stale || task.pendingUp > 0))));
    task.unsettled = task.stale || task.pending || task.unsettledUp > 0;
  }

  /** The one question that all automatic work follows from, asked for every task that something changed for. */
  private hasMovedInput(task: TaskNode): boolean {
    if (!task.isBuilt) return false;
    const { links, content, contents, producers } = this.tables;
    const isInLoop = task.component !== null || task.tracksItself;
    for (let at = 0; at < links.tracked.length(task.id); at += edgeWidth) {
      const image = links.tracked.at(task.id, at);
      const [now, used] = [content.get(image), links.tracked.at(task.id, at + 2)];
      if (now === 0 || used === 0) continue;
      if (isInLoop && producers.list(image).some((one) => inLoop(this.glance(one), task))) continue;
      const platforms = links.tracked.at(task.id, at + 1);
      // It stays on an older index that has all its platforms; which one that is, is not in the tables.
      if (!contents.covers(now, platforms)) return movedInputs(task, this.images).length > 0;
      if (contents.differ(now, used, platforms)) return true;
    }
    return false;
  }

  /** An open circuit holds one key; with other inputs or another definition the task is tried again. */
  isHeldByFailure(task: TaskNode): boolean {
    const { circuit, failures, declined } = task;
    const unseen = failures && !failures.seen ? failures.key : null;
    if (!circuit && declined === null && unseen === null) return false;
    const key = currentKey(task, this.images);
    return circuit?.key === key || declined === key || unseen === key;
  }
}

/** Edges to one image stand together, and are one edge but for what the standing run used. */
const isFirstOfImage = ({ links: { tracked } }: Tables, task: number, at: number): boolean =>
  at === 0 || tracked.at(task, at - edgeWidth) !== tracked.at(task, at);

const imagesOf = (edges: readonly number[]): Set<number> => new Set(edges.filter((_, at) => at % edgeWidth === 0));

const edgesIn = ({ taskNames, links, consumers, producers }: Tables): Digraph => ({
  get size() {
    return taskNames.size;
  },
  below: (task) => {
    const below: number[] = [];
    for (let output = 0; output < links.outputs.length(task); output += 1) {
      const image = links.outputs.at(task, output);
      for (let at = 0; at < consumers.length(image); at += 1) {
        if (consumers.at(image, at) !== task) below.push(consumers.at(image, at));
      }
    }
    return below;
  },
  above: (task) => {
    const above: number[] = [];
    for (let edge = 0; edge < links.tracked.length(task); edge += edgeWidth) {
      const image = links.tracked.at(task, edge);
      for (let at = 0; at < producers.length(image); at += 1) {
        if (producers.at(image, at) !== task) above.push(producers.at(image, at));
      }
    }
    return above;
  },
});

/** The task has runs, and a builder for none of them. */
const isUnplaced = ({ runs }: TaskNode): boolean => {
  for (const { unplaced } of runs.values()) if (!unplaced) return false;
  return runs.size > 0;
};

class TaskIndex implements ByName<TaskNode> {
  constructor(private readonly model: GraphModel) {}

  get size(): number {
    return this.model.tables.taskNames.size;
  }
  get(name: string): TaskNode | undefined {
    const id = this.model.tables.taskNames.find(name);
    return id < 0 ? undefined : this.model.taskAt(id);
  }
  *values(): Generator<TaskNode> {
    for (let id = 0; id < this.size; id += 1) yield this.model.glance(id);
  }
}

class ImageIndex implements ByName<ImageNode> {
  /** No root moved after this, in milliseconds since the epoch. */
  rootMovedAt = 0;

  constructor(private readonly model: GraphModel) {}

  get size(): number {
    return this.model.tables.imageNames.size;
  }
  get(reference: string): ImageNode | undefined {
    const id = this.model.tables.imageNames.find(reference);
    return id < 0 ? undefined : this.model.imageAt(id);
  }
  *values(): Generator<ImageNode> {
    for (let id = 0; id < this.size; id += 1) yield this.model.imageAt(id);
  }
  /** The image is a root, and may have moved lately. */
  moved({ adoptedAt }: ImageNode): void {
    this.rootMovedAt = Math.max(this.rootMovedAt, adoptedAt);
  }
}
