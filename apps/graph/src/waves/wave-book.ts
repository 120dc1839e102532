import type { RecordedEvent } from '#libs/event-log';
import { inLoop } from '../model/staleness.js';
import type { ImageNode, TaskNode } from '../model/nodes.js';

/** What became of a task in a wave. */
export type MemberStatus = 'Waiting' | 'Running' | 'Built' | 'Unchanged' | 'Failed' | 'Excused' | 'Settled';

export interface WaveMember {
  readonly task: string;
  /** 1 for those that stand directly on what moved; else one more than the highest upstream in the wave. */
  readonly level: number;
  status: MemberStatus;
  run: string | null;
}

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
  readonly members: Map<string, WaveMember>;
  /** Tasks that are not done yet. */
  readonly remaining: Set<string>;
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
  restore(stored: Omit<Wave, 'members' | 'remaining'> & { members: WaveMember[]; remaining: string[] }): void {
    const members = new Map(stored.members.map((member) => [member.task, member]));
    this.waves.set(stored.id, { ...stored, members, remaining: new Set(stored.remaining) });
    if (stored.closedAt === null) for (const { run } of stored.members) this.count(run, 1);
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

  /** Called when everything that follows from an adoption is settled. Answers the tasks of the wave that it opens. */
  adopted(image: ImageNode, event: RecordedEvent<'tag.adopted'>): Iterable<TaskNode> {
    const { from, to, seenBy, hintedAt, reference, run } = event.data;
    // The first look at an image changes nothing, and what a run of a wave pushed belongs to that wave.
    if (from === null || (run !== null && this.runs.has(run))) return [];
    // In order, so that what is stored is the same after a restart, when tasks are met in another one.
    const members = new Map([...membersOf(image)].sort(([a, i], [b, j]) => i - j || (a.name < b.name ? -1 : 1)));
    if (members.size === 0) return [];
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
      depth: Math.max(...[...members.values()].map((level) => level)),
      members: new Map(
        [...members].map(([task, level]) => [task.name, { task: task.name, level, status: 'Waiting', run: null }]),
      ),
      remaining: new Set([...members.keys()].map(({ name }) => name)),
      announced: false,
      closeAnnounced: false,
    };
    this.waves.set(wave.id, wave);
    this.changes.add(wave);
    for (const task of members.keys()) task.waves.add(wave.id);
    return members.keys();
  }

  started(task: TaskNode, run: string): void {
    this.mark(task, (member) => {
      this.ran(member, run);
      if (member.status === 'Waiting' || member.status === 'Failed') member.status = 'Running';
    });
  }

  failed(task: TaskNode): void {
    this.mark(task, (member) => (member.status = 'Failed'));
  }

  succeeded(task: TaskNode, run: string, unchanged: boolean): void {
    this.mark(task, (member) => {
      this.ran(member, run);
      member.status = unchanged ? 'Unchanged' : 'Built';
    });
  }

  /** The task is not pending any more: done, or nothing will be done about it without a person. */
  settled(task: TaskNode, time: string): void {
    for (const id of task.waves) {
      const wave = this.waves.get(id);
      const member = wave?.members.get(task.name);
      if (!wave || !member || !wave.remaining.delete(task.name)) continue;
      if (task.stale) member.status = member.status === 'Failed' ? 'Failed' : 'Excused';
      else if (member.status === 'Waiting') member.status = 'Settled';
      this.changes.add(wave);
      if (wave.remaining.size > 0) continue;
      wave.closedAt = time;
      for (const { run } of wave.members.values()) this.count(run, -1);
    }
    task.waves.clear();
  }

  private ran(member: WaveMember, run: string): void {
    this.count(member.run, -1);
    this.count((member.run = run), 1);
  }

  private count(run: string | null, by: number): void {
    if (run === null) return;
    const count = (this.runs.get(run) ?? 0) + by;
    if (count > 0) this.runs.set(run, count);
    else this.runs.delete(run);
  }

  private mark(task: TaskNode, change: (member: WaveMember) => void): void {
    for (const id of task.waves) {
      const wave = this.waves.get(id);
      const member = wave?.members.get(task.name);
      if (!wave || !member) continue;
      change(member);
      this.changes.add(wave);
    }
  }
}

/** Tasks that are pending because of the image, with their level: the longest way from it. */
const membersOf = (image: ImageNode): Map<TaskNode, number> => {
  const levels = new Map<TaskNode, number>();
  const visit = (root: TaskNode): TaskNode[] => {
    // Postorder with an explicit stack: reversed it is an order in which upstream tasks come first.
    const order: TaskNode[] = [];
    const path = [{ task: root, below: root.down.values() }];
    levels.set(root, 1);
    while (path.length > 0) {
      const frame = path.at(-1)!;
      const step = frame.below.next();
      if (step.done) {
        order.push(frame.task);
        path.pop();
      } else if (step.value.pending && !levels.has(step.value) && !inLoop(frame.task, step.value)) {
        levels.set(step.value, 1);
        path.push({ task: step.value, below: step.value.down.values() });
      }
    }
    return order;
  };
  const order: TaskNode[] = [];
  for (const consumer of image.consumers) {
    if (consumer.pending && consumer.stale && !levels.has(consumer)) order.push(...visit(consumer));
  }
  for (const task of order.reverse()) {
    for (const below of task.down) {
      if (levels.has(below) && !inLoop(task, below)) {
        levels.set(below, Math.max(levels.get(below)!, levels.get(task)! + 1));
      }
    }
  }
  return levels;
};
