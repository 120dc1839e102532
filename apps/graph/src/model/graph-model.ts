import { failuresToOpenCircuit, knownInputs, rebuildsAutomatically, stableOutputs, trackedInputs } from '#libs/domain';
import type { TaskDefinition } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';
import { findLoops, reaches } from './loops.js';
import { newImage, newTask, type ActiveRun, type ImageNode, type TaskNode } from './nodes.js';
import { adoptionsKept, currentKey, inLoop, isStale } from './staleness.js';

/** What changed since it was last taken: what must be decided again, and what must be stored. */
export interface Changes {
  readonly tasks: Set<TaskNode>;
  readonly images: Set<ImageNode>;
}

/** Told of what the model derives; the waves listen. */
export interface ModelListener {
  /** An image has a newly adopted digest, and everything that follows from it is settled. */
  adopted?(image: ImageNode, event: RecordedEvent<'tag.adopted'>): void;
  /** A task stopped being pending, or became fresh. */
  settled?(task: TaskNode, event: RecordedEvent): void;
  succeeded?(task: TaskNode, event: RecordedEvent<'run.succeeded'>): void;
}

/**
 * The dependency graph in memory: who stands on what, who is stale, who is pending. It is a function of the log:
 * `apply` takes one event and brings everything that follows from it up to date, from the change outwards.
 *
 * Pending goes through the whole chain, as a counter of pending upstream tasks: looking at direct upstreams only would
 * build the foot of an uneven diamond twice.
 */
export class GraphModel {
  readonly tasks = new Map<string, TaskNode>();
  readonly images = new Map<string, ImageNode>();
  readonly changes: Changes = { tasks: new Set(), images: new Set() };
  private readonly runs = new Map<string, TaskNode>();
  /** Tasks whose last successful run has outputs without an answer, by that run. */
  private readonly answering = new Map<string, TaskNode>();
  private readonly queue = new Set<TaskNode>();
  private byName: readonly TaskNode[] = [];

  constructor(private readonly listener: ModelListener = {}) {}

  image(reference: string): ImageNode {
    let image = this.images.get(reference);
    if (!image) this.images.set(reference, (image = newImage(reference)));
    return image;
  }

  task(name: string): TaskNode {
    let task = this.tasks.get(name);
    if (!task) this.tasks.set(name, (task = newTask(name)));
    return task;
  }

  /** Every task that there was, ordered by name. Put in order anew when a name came that there was not before. */
  tasksByName(): readonly TaskNode[] {
    if (this.byName.length === this.tasks.size) return this.byName;
    // What was in order stays so: the sort finds that, and has only the new names to put between.
    const known = new Set(this.byName);
    const all = [...this.byName];
    for (const task of this.tasks.values()) if (!known.has(task)) all.push(task);
    this.byName = all.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const [rank, task] of this.byName.entries()) task.rank = rank;
    return this.byName;
  }

  /** References for which this digest was adopted, of an index or of a platform, as far back as that is kept. */
  referencesOf(digest: string): string[] {
    const found: string[] = [];
    for (const { reference, adoptions } of this.images.values()) {
      const has = adoptions.some(({ snapshot }) => {
        if (snapshot.digest === digest) return true;
        for (const platform in snapshot.platforms) if (snapshot.platforms[platform] === digest) return true;
        return false;
      });
      if (has) found.push(reference);
    }
    return found.sort();
  }

  /** Task of a run that is queued or running. */
  taskOfRun(run: string): TaskNode | undefined {
    return this.runs.get(run);
  }

  apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'task.created':
      case 'task.updated':
        return this.define(event);
      case 'task.deleted': {
        const task = this.task(event.data.task);
        const before = new Set(outputsOf(task));
        task.definition = null;
        task.scan = null;
        task.circuit = null;
        this.relink(task, event, before);
        return;
      }
      case 'task.scanned': {
        const task = this.task(event.data.task);
        // A scan of an older definition says nothing about this one.
        if (!task.definition || task.definitionHash !== event.data.definitionHash) return;
        const { status, reason, inputs } = event.data;
        task.scan = { status, reason, inputs, position: event.sequence };
        this.relink(task, event);
        return;
      }
      case 'task.circuit-opened': {
        const task = this.task(event.data.task);
        task.circuit = { key: event.data.key, reason: event.data.reason, retryAt: event.data.retryAt };
        if (task.failures) task.failures.seen = true;
        return this.touch(task, event);
      }
      case 'task.circuit-closed': {
        const task = this.task(event.data.task);
        task.circuit = null;
        task.declined = null;
        if (event.data.reason !== 'HalfOpen') task.failures = null;
        else if (task.failures) task.failures.seen = true;
        return this.touch(task, event);
      }
      case 'rebuild.due': {
        const task = this.task(event.data.task);
        task.offer = { position: event.sequence, key: event.data.key, over: false };
        this.changes.tasks.add(task);
        return;
      }
      case 'rebuild.blocked':
      case 'rebuild.settled': {
        const task = this.task(event.data.task);
        if (task.offer) task.offer.over = true;
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
        if (event.data.reason === 'Requested' && run.key !== null) task.declined = run.key;
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

  /** Rebuilds everything derived, after the stored facts of every node were put in. */
  restore(): void {
    for (const task of this.tasks.values()) {
      task.tracked = trackedInputs(task);
      for (const reference of task.tracked.keys()) this.image(reference).consumers.add(task);
      this.relinkUntracked(task);
      for (const reference of outputsOf(task)) this.image(reference).producers.add(task);
      for (const run of task.runs.values()) this.runs.set(run.run, task);
      if (task.unanswered) this.answering.set(task.unanswered.run, task);
    }
    for (const task of this.tasks.values()) {
      task.up = this.upstreamsOf(task);
      task.tracksItself = this.tracksItself(task);
      for (const above of task.up) above.down.add(task);
    }
    for (const [task, component] of findLoops(this.tasks.values())) task.component = component;
    for (const task of this.tasks.values()) this.queue.add(task);
    this.settle(null);
    this.changes.tasks.clear();
    this.changes.images.clear();
  }

  private define(event: RecordedEvent<'task.created'> | RecordedEvent<'task.updated'>): void {
    const { definition, definitionHash } = event.data;
    const task = this.task(definition.name);
    const before = new Set(outputsOf(task));
    if (event.type === 'task.created') {
      // A task of the same name that was deleted is another task; what still runs for it says nothing of this one.
      Object.assign(task, { standing: null, declined: null, offer: null, durations: [] });
      for (const run of task.runs.keys()) this.runs.delete(run);
      task.runs.clear();
      this.awaitAnswers(task, null);
    }
    if (task.definitionHash !== definitionHash || event.type === 'task.created') {
      task.scan = null;
      task.definedAt = event.sequence;
      task.circuit = null;
      task.failures = null;
    }
    task.definition = definition;
    task.definitionHash = definitionHash;
    this.relink(task, event, before);
  }

  private queued(event: RecordedEvent<'run.queued'>): void {
    const { run, task: name, key, offer, definitionHash, overridden } = event.data;
    if (name === null) return;
    const task = this.task(name);
    task.runs.set(run, {
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
    task.failures = null;
    task.declined = null;
    // What comes next waits anew: patience is for one build.
    task.unsettledSince = null;
    task.circuit = null;
    // Waited for is what somebody tracks at this position; the watcher answers exactly those.
    const tracked = outputs
      .map(({ reference }) => reference)
      .filter((reference) => this.isTracked(reference) && !run.answered.has(reference));
    this.awaitAnswers(task, tracked.length > 0 ? { run: id, references: new Set(tracked) } : null);
    if (!run.overridden) {
      const { definitionHash } = run;
      task.standing = { run: id, definitionHash, position: event.sequence, inputs, outputs, sourceRevision };
      if (run.startedAt !== null) {
        const seconds = Math.max(0, Date.parse(event.time) - run.startedAt) / 1000;
        task.durations = [seconds, ...task.durations].slice(0, durationsKept);
      }
    }
    // Before anything is settled: what settles leaves its wave, with the status that it has then.
    this.listener.succeeded?.(task, event);
    this.relink(task, event);
  }

  private failed(event: RecordedEvent<'run.failed'> | RecordedEvent<'run.timed-out'>): void {
    const [task, run] = this.ended(event.data.run);
    if (!task || !run) return;
    if (run.key !== null) {
      const count = task.failures?.key === run.key ? task.failures.count + 1 : 1;
      task.failures = { key: run.key, count, seen: count < failuresToOpenCircuit };
    }
    this.touch(task, event);
  }

  /** Takes a run off its task. */
  private ended(id: string): [TaskNode, ActiveRun] | [undefined, undefined] {
    const task = this.runs.get(id);
    const run = task?.runs.get(id);
    if (!task || !run) return [undefined, undefined];
    task.runs.delete(id);
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
    image.adoptions = [adoption, ...image.adoptions].slice(0, adoptionsKept);
    this.changes.images.add(image);
    for (const consumer of image.consumers) this.queue.add(consumer);
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

  private awaitAnswers(task: TaskNode, unanswered: TaskNode['unanswered']): void {
    if (task.unanswered) this.answering.delete(task.unanswered.run);
    if (unanswered) this.answering.set(unanswered.run, task);
    task.unanswered = unanswered;
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
    return (this.images.get(reference)?.consumers.size ?? 0) > 0;
  }

  private touch(task: TaskNode, event: RecordedEvent): void {
    this.queue.add(task);
    this.settle(event);
  }

  private upstreamsOf(task: TaskNode): Set<TaskNode> {
    const up = new Set<TaskNode>();
    for (const reference of task.tracked.keys()) {
      for (const producer of this.images.get(reference)?.producers ?? []) if (producer !== task) up.add(producer);
    }
    return up;
  }

  private tracksItself(task: TaskNode): boolean {
    for (const reference of task.tracked.keys()) if (this.images.get(reference)?.producers.has(task)) return true;
    return false;
  }

  /** Brings the edges of a task up to date after its definition or inputs changed. */
  private relink(
    task: TaskNode,
    event: RecordedEvent,
    outputsBefore: ReadonlySet<string> = new Set(outputsOf(task)),
  ): void {
    const affected = new Set([task]);
    const outputsNow = new Set(outputsOf(task));
    // The producers of an image are those that push it now; a deleted task pushes nothing.
    for (const reference of [...outputsBefore, ...outputsNow]) {
      const image = this.image(reference);
      const pushes = outputsNow.has(reference);
      if (image.producers.has(task) === pushes) continue;
      if (pushes) image.producers.add(task);
      else image.producers.delete(task);
      for (const consumer of image.consumers) affected.add(consumer);
    }
    const tracked = trackedInputs(task);
    for (const reference of task.tracked.keys()) {
      if (tracked.has(reference)) continue;
      const image = this.image(reference);
      image.consumers.delete(task);
      if (image.consumers.size === 0) this.stopWaitingFor(reference);
    }
    for (const reference of tracked.keys()) this.image(reference).consumers.add(task);
    task.tracked = tracked;
    this.relinkUntracked(task);

    let closesLoop = false;
    for (const one of affected) closesLoop = this.relinkUpstreams(one) || closesLoop;
    if (closesLoop) this.findLoops();
    for (const one of affected) {
      this.recount(one);
      this.queue.add(one);
    }
    this.settle(event);
  }

  /** What a task uses without tracking it; `tracked` must be up to date. */
  private relinkUntracked(task: TaskNode): void {
    for (const reference of task.untracked) this.image(reference).others?.delete(task);
    task.untracked = task.definition ? untrackedInputs(task) : noReferences;
    for (const reference of task.untracked) (this.image(reference).others ??= new Set()).add(task);
  }

  /** Answers whether the loops must be found again. */
  private relinkUpstreams(task: TaskNode): boolean {
    const up = this.upstreamsOf(task);
    const added = new Set([...up].filter((above) => !task.up.has(above)));
    let changes = false;
    for (const above of task.up) {
      if (up.has(above)) continue;
      above.down.delete(task);
      changes ||= inLoop(above, task);
    }
    for (const above of added) above.down.add(task);
    task.up = up;
    task.tracksItself = this.tracksItself(task);
    return changes || (added.size > 0 && task.down.size > 0 && reaches(task, added));
  }

  private findLoops(): void {
    const loops = findLoops(this.tasks.values());
    const moved: TaskNode[] = [];
    for (const task of this.tasks.values()) {
      const component = loops.get(task) ?? null;
      if (component === null && task.component === null) continue;
      task.component = component;
      moved.push(task);
    }
    // An edge counts or not by the components of both of its ends.
    for (const task of new Set(moved.flatMap((one) => [one, ...one.down]))) {
      this.recount(task);
      this.queue.add(task);
    }
  }

  private recount(task: TaskNode): void {
    task.pendingUp = 0;
    task.unsettledUp = 0;
    for (const above of task.up) {
      if (inLoop(above, task)) continue;
      if (above.pending) task.pendingUp += 1;
      if (above.unsettled) task.unsettledUp += 1;
    }
  }

  /** Works from the changed tasks outwards until nothing changes any more. Without loops it ends. */
  private settle(event: RecordedEvent | null): void {
    for (const task of this.queue) {
      this.queue.delete(task);
      const { pending, unsettled, stale } = task;
      this.derive(task);
      this.changes.tasks.add(task);
      if (pending !== task.pending || unsettled !== task.unsettled) {
        const pendingBy = Number(task.pending) - Number(pending);
        const unsettledBy = Number(task.unsettled) - Number(unsettled);
        for (const below of task.down) {
          if (inLoop(task, below)) continue;
          below.pendingUp += pendingBy;
          below.unsettledUp += unsettledBy;
          this.queue.add(below);
        }
      }
      const due = task.stale || task.pending;
      // While everything is derived anew, a task may be met before what makes it pending: its clock was stored.
      if (event) task.unsettledSince = due ? (task.unsettledSince ?? Date.parse(event.time)) : null;
      if (event && (pending || stale) && !task.pending) this.listener.settled?.(task, event);
    }
  }

  private derive(task: TaskNode): void {
    task.stale = isStale(task, this.images);
    task.automatic =
      task.definition !== null &&
      task.standing !== null &&
      rebuildsAutomatically(task.definition) &&
      !this.isHeldByFailure(task);
    task.unplaced = isUnplaced(task);
    task.pending =
      task.unanswered !== null ||
      (!task.unplaced && (task.runs.size > 0 || (task.automatic && (task.stale || task.pendingUp > 0))));
    task.unsettled = task.stale || task.pending || task.unsettledUp > 0;
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

/** Durations that are kept for each task: enough for a median that one odd build does not move. */
const durationsKept = 5;

/** The task has runs, and a builder for none of them. */
const isUnplaced = ({ runs }: TaskNode): boolean => {
  for (const { unplaced } of runs.values()) if (!unplaced) return false;
  return runs.size > 0;
};

const noReferences: readonly string[] = [];

const untrackedInputs = (task: TaskNode): readonly string[] => {
  const found = new Set<string>();
  for (const { reference } of knownInputs(task) ?? []) if (!task.tracked.has(reference)) found.add(reference);
  return found.size === 0 ? noReferences : [...found];
};

/** By definition, which is never changed in place: it is asked for at every success. */
const knownOutputs = new WeakMap<TaskDefinition, string[]>();

/** References that a task pushes, as its definition says. */
export const outputsOf = ({ definition }: TaskNode): string[] => {
  if (!definition) return [];
  let outputs = knownOutputs.get(definition);
  if (!outputs) knownOutputs.set(definition, (outputs = stableOutputs(definition)));
  return outputs;
};
