import type { RecordedEvent } from '#libs/event-log';
import type { GraphModel } from '../model/graph-model.js';
import type { ImageNode, TaskNode } from '../model/nodes.js';
import { derived } from '../model/tables.js';
import { WaveMembers } from './wave-members.js';

export interface Wave {
  readonly id: string;
  readonly reference: string;
  readonly from: string | null;
  readonly to: string;
  readonly seenBy: RecordedEvent<'tag.adopted'>['data']['seenBy'];
  readonly hintedAt: string | null;
  readonly position: number;
  readonly openedAt: string;
  closedAt: string | null;
  readonly depth: number;
  readonly members: WaveMembers;
  /** How many of them are not done yet. */
  remaining: number;
  /** `wave.opened` and `wave.closed` are in the log. */
  announced: boolean;
  closeAnnounced: boolean;
}

/**
 * The waves: which tasks one change made stale or pending, and what became of each. Labels for people, derived from
 * the log; nothing is decided from them.
 */
export class WaveBook {
  readonly waves = new Map<string, Wave>();
  /** Waves that were opened, closed or changed since they were last taken. */
  private readonly changes = new Set<Wave>();
  /** Runs of the members of open waves, each with how many of these it is in. */
  private readonly runs = new Map<string, number>();

  takeChanges(): Wave[] {
    const taken = [...this.changes];
    this.changes.clear();
    return taken;
  }

  /** Puts an open wave back as it was stored. */
  restore(wave: Wave): void {
    this.waves.set(wave.id, wave);
    if (wave.closedAt === null) for (const run of wave.members.allRuns()) this.count(run, 1);
  }

  /** Waves that a task is in, and not done with. */
  of(task: TaskNode): string[] {
    return Array.from(this.within(task), ([{ id }]) => id);
  }

  /** `wave.opened` or `wave.closed` is in the log. A wave that is closed and said to be leaves memory. */
  announced(id: string, closed: boolean): void {
    const wave = this.waves.get(id);
    if (!wave) return;
    wave.announced = true;
    wave.closeAnnounced ||= closed;
    this.changes.add(wave);
    if (wave.closeAnnounced && wave.closedAt !== null) this.waves.delete(id);
  }

  /** Called when everything that follows from an adoption is settled: opens a wave where there is something to do. */
  adopted(model: GraphModel, image: ImageNode, event: RecordedEvent<'tag.adopted'>): void {
    const { from, to, seenBy, hintedAt, reference, run } = event.data;
    // The first look at an image changes nothing, and what a run of a wave pushed belongs to that wave.
    if (from === null || (run !== null && this.runs.has(run))) return;
    const { levels, size, depth } = levelsBelow(model, image);
    if (size === 0) return;
    const wave: Wave = {
      id: `w${event.sequence.toString(36)}`,
      reference,
      from,
      to: to.digest,
      seenBy,
      hintedAt,
      position: event.sequence,
      openedAt: event.time,
      closedAt: null,
      depth,
      members: WaveMembers.of(levels, size, model.tables.taskNames),
      remaining: size,
      announced: false,
      closeAnnounced: false,
    };
    this.waves.set(wave.id, wave);
    this.changes.add(wave);
  }

  started(task: TaskNode, run: string): void {
    for (const [wave, at] of this.within(task)) {
      const { members } = wave;
      this.ran(members, at, run);
      const status = members.status(at);
      if (status === 'Waiting' || status === 'Failed') members.setStatus(at, 'Running');
      this.changes.add(wave);
    }
  }

  failed(task: TaskNode): void {
    for (const [wave, at] of this.within(task)) {
      wave.members.setStatus(at, 'Failed');
      this.changes.add(wave);
    }
  }

  succeeded(task: TaskNode, run: string, unchanged: boolean): void {
    for (const [wave, at] of this.within(task)) {
      this.ran(wave.members, at, run);
      wave.members.setStatus(at, unchanged ? 'Unchanged' : 'Built');
      this.changes.add(wave);
    }
  }

  /** The task is not pending any more: done, or nothing will be done about it without a person. */
  settled(task: TaskNode, time: string): void {
    for (const [wave, at] of this.within(task)) {
      const { members } = wave;
      members.finish(at);
      wave.remaining -= 1;
      const status = members.status(at);
      if (task.stale) members.setStatus(at, status === 'Failed' ? 'Failed' : 'Excused');
      else if (status === 'Waiting') members.setStatus(at, 'Settled');
      this.changes.add(wave);
      if (wave.remaining > 0) continue;
      wave.closedAt = time;
      for (const run of members.allRuns()) this.count(run, -1);
    }
  }

  private ran(members: WaveMembers, at: number, run: string): void {
    this.count(members.runOf(at), -1);
    members.setRun(at, run);
    this.count(run, 1);
  }

  private count(run: string | undefined, by: number): void {
    if (run === undefined) return;
    const count = (this.runs.get(run) ?? 0) + by;
    if (count > 0) this.runs.set(run, count);
    else this.runs.delete(run);
  }

  /** Waves that a task is in and not done with, and its place in each. */
  private *within({ id }: TaskNode): Generator<readonly [Wave, number]> {
    for (const wave of this.waves.values()) {
      const at = wave.members.find(id);
      if (at >= 0 && !wave.members.isDone(at)) yield [wave, at];
    }
  }
}

interface Levels {
  /** By the id of the task: the longest way from what moved; 0 for one that is not reached. */
  readonly levels: Uint32Array;
  /** How many are reached. */
  readonly size: number;
  /** Of the lowest one. */
  readonly depth: number;
}

/** Tasks that are pending because of the image. */
const levelsBelow = ({ tables, edges }: GraphModel, image: ImageNode): Levels => {
  const { component, consumers, derived: bits } = tables;
  const levels = new Uint32Array(edges.size);
  const has = (task: number, wanted: number): boolean => (bits.get(task) & wanted) === wanted;
  const counts = (from: number, to: number): boolean =>
    component.get(from) === 0 || component.get(from) !== component.get(to);
  /** Postorder with an explicit stack: reversed it is an order in which upstream tasks come first. */
  const order: number[] = [];
  const visit = (root: number): void => {
    const path = [{ task: root, below: edges.below(root), at: 0 }];
    levels[root] = 1;
    while (path.length > 0) {
      const frame = path[path.length - 1]!;
      const { task, below } = frame;
      if (frame.at === below.length) {
        order.push(task);
        path.pop();
        continue;
      }
      const next = below[frame.at++]!;
      if (levels[next] !== 0 || !has(next, derived.pending) || !counts(task, next)) continue;
      levels[next] = 1;
      path.push({ task: next, below: edges.below(next), at: 0 });
    }
  };
  for (const consumer of consumers.list(image.id)) {
    if (levels[consumer] === 0 && has(consumer, derived.pending | derived.stale)) visit(consumer);
  }
  let depth = 0;
  for (const task of order.reverse()) {
    const level = levels[task]!;
    depth = Math.max(depth, level);
    for (const below of edges.below(task)) {
      if (levels[below] !== 0 && levels[below]! <= level && counts(task, below)) levels[below] = level + 1;
    }
  }
  return { levels, size: order.length, depth };
};
