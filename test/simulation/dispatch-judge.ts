import type { Entry, Urgency } from './history.js';

/** "interactive > source change > urgent base > base > timer > half-open try" */
const classes: readonly Urgency[] = ['Interactive', 'SourceChange', 'UrgentBase', 'Base', 'Timer', 'HalfOpen'];

interface Waiting {
  readonly run: string;
  readonly task: string;
  readonly team: string;
  readonly urgency: Urgency;
  /** Position of the last that happened to it: the oldest goes first. */
  readonly since: number;
  readonly notBefore: number;
}

/**
 * Judges which run is given to a builder, by the text alone: what is waiting is compared one by one at each dispatch.
 * "Late binding: dispatch only what free slots can take. One run of a task at a time. Within a class, fair shares per
 * team."
 */
export class DispatchJudge {
  private readonly waiting = new Map<string, Waiting>();
  private readonly inHand = new Map<string, Waiting>();

  constructor(
    private readonly slots: number,
    private readonly say: (position: number, task: string, text: string) => void,
  ) {}

  apply(entry: Entry): void {
    switch (entry.kind) {
      case 'queued': {
        const { run, task, team, urgency, position: since } = entry;
        this.waiting.set(run, { run, task, team, urgency, since, notBefore: 0 });
        return;
      }
      case 'unplaced': {
        const one = this.waiting.get(entry.run);
        if (one) this.waiting.set(entry.run, { ...one, since: entry.position });
        return;
      }
      case 'dispatched':
        return this.dispatched(entry);
      case 'errored': {
        const one = this.inHand.get(entry.run);
        this.inHand.delete(entry.run);
        if (one) this.waiting.set(entry.run, { ...one, since: entry.position, notBefore: entry.retryAt });
        return;
      }
      case 'succeeded':
      case 'failed':
      case 'canceled':
        this.waiting.delete(entry.run);
        this.inHand.delete(entry.run);
        return;
      default:
    }
  }

  private dispatched({ run, position, at }: Extract<Entry, { kind: 'dispatched' }>): void {
    const one = this.waiting.get(run);
    if (!one) return this.say(position, '', `${run} is dispatched, and it does not wait`);
    const { task } = one;
    if (at < one.notBefore) this.say(position, task, 'dispatched again before its time');
    if (this.inHand.size >= this.slots) this.say(position, task, 'dispatched, and there is no slot for it');
    if (this.isBusy(task)) this.say(position, task, 'dispatched while another run of it goes on');
    for (const other of this.waiting.values()) {
      if (other === one || at < other.notBefore || this.isBusy(other.task)) continue;
      const by = before(other, one, (team) => this.loadOf(team));
      if (by !== null) this.say(position, task, `dispatched before a run of ${other.task}, which ${by}`);
    }
    this.waiting.delete(run);
    this.inHand.set(run, one);
  }

  private isBusy(task: string): boolean {
    for (const other of this.inHand.values()) if (other.task === task) return true;
    return false;
  }

  private loadOf(team: string): number {
    return [...this.inHand.values()].filter((one) => one.team === team).length;
  }
}

/** Why the first of two that wait goes first; null when it does not. */
const before = (one: Waiting, other: Waiting, loadOf: (team: string) => number): string | null => {
  const rank = (waiting: Waiting) => classes.indexOf(waiting.urgency);
  if (rank(one) !== rank(other)) return rank(one) < rank(other) ? 'is more urgent' : null;
  const [mine, theirs] = [loadOf(one.team), loadOf(other.team)];
  if (mine !== theirs) return mine < theirs ? 'is of a team that has fewer builders' : null;
  return one.since < other.since ? 'has waited for longer' : null;
};
