import { Column } from '../model/store/column.js';
import type { Interner } from '../model/store/interner.js';

/** What became of a task in a wave. In the database these are numbers: a new one goes to the end. */
export const memberStatuses = ['Waiting', 'Running', 'Built', 'Unchanged', 'Failed', 'Excused', 'Settled'] as const;
export type MemberStatus = (typeof memberStatuses)[number];

export interface WaveMember {
  readonly task: string;
  /** 1 for those that stand directly on what moved; else one more than the highest upstream in the wave. */
  readonly level: number;
  status: MemberStatus;
  run: string | null;
}

/** Set of a member that is done: nothing more will become of it in this wave. */
const done = 128;

/**
 * The tasks of a wave, which may be a third of all: their ids in ascending order, and beside each its level and what became
 * of it. Stored in pages, so that a change writes few bytes.
 */
export class WaveMembers {
  readonly parts = {
    task: new Column(Uint32Array, 1024),
    level: new Column(Uint32Array, 1024),
    status: new Column(Uint32Array, 1024),
  } as const;
  /** Runs of members, by their place. */
  private readonly runs = new Map<number, string>();
  private readonly changedRuns = new Set<number>();
  private counted: Record<MemberStatus, number> | undefined;

  /** @param names of tasks */
  constructor(
    readonly size: number,
    private readonly names: Interner,
  ) {
    for (const column of Object.values(this.parts)) column.reserve(size);
  }

  /** @param levels by the id of the task; 0 for one that is no member */
  static of(levels: Uint32Array, size: number, names: Interner): WaveMembers {
    const members = new WaveMembers(size, names);
    const { task: tasks, level, status } = members.parts;
    for (let task = 0, at = 0; task < levels.length; task += 1) {
      if (levels[task] === 0) continue;
      tasks.set(at, task);
      level.set(at, levels[task]!);
      // A page is stored when something of it changed: that everybody waits is something, too.
      status.set(at, done);
      status.set(at, 0);
      at += 1;
    }
    return members;
  }

  /** Place of a task; -1 when it is no member. */
  find(task: number): number {
    const { task: tasks } = this.parts;
    let [low, high] = [0, this.size];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tasks.get(middle) < task) low = middle + 1;
      else high = middle;
    }
    return low < this.size && tasks.get(low) === task ? low : -1;
  }

  status(at: number): MemberStatus {
    return memberStatuses[this.parts.status.get(at) & ~done]!;
  }
  setStatus(at: number, status: MemberStatus): void {
    const { status: column } = this.parts;
    const counts = this.counts();
    counts[this.status(at)] -= 1;
    counts[status] += 1;
    column.set(at, memberStatuses.indexOf(status) | (column.get(at) & done));
  }
  isDone(at: number): boolean {
    return (this.parts.status.get(at) & done) !== 0;
  }
  finish(at: number): void {
    this.parts.status.set(at, this.parts.status.get(at) | done);
  }
  setRun(at: number, run: string): void {
    this.runs.set(at, run);
    this.changedRuns.add(at);
  }
  runOf(at: number): string | undefined {
    return this.runs.get(at);
  }
  /** Puts a run back as it was stored. */
  loadRun(at: number, run: string): void {
    this.runs.set(at, run);
  }
  allRuns(): Iterable<string> {
    return this.runs.values();
  }
  /** Runs that members have since this was asked last, with the place of the member. */
  *takeRuns(): Generator<readonly [number, string]> {
    for (const at of this.changedRuns) yield [at, this.runs.get(at)!];
    this.changedRuns.clear();
  }

  /** How many members have each status. Counted once, and kept up to date from then on. */
  counts(): Record<MemberStatus, number> {
    if (this.counted) return this.counted;
    const counts = Object.fromEntries(memberStatuses.map((status) => [status, 0])) as Record<MemberStatus, number>;
    for (let at = 0; at < this.size; at += 1) counts[this.status(at)] += 1;
    return (this.counted = counts);
  }

  get(task: string): WaveMember | undefined {
    const id = this.names.find(task);
    const at = id < 0 ? -1 : this.find(id);
    return at < 0 ? undefined : this.member(at);
  }
  *values(): Generator<WaveMember> {
    for (let at = 0; at < this.size; at += 1) yield this.member(at);
  }
  *[Symbol.iterator](): Generator<[string, WaveMember]> {
    for (const member of this.values()) yield [member.task, member];
  }

  private member(at: number): WaveMember {
    const { names, parts, runs } = this;
    const [get, set] = [() => this.status(at), (status: MemberStatus) => this.setStatus(at, status)];
    return {
      task: names.text(parts.task.get(at)),
      level: parts.level.get(at),
      get status() {
        return get();
      },
      set status(status) {
        set(status);
      },
      run: runs.get(at) ?? null,
    };
  }
}
