import { DispatchJudge } from './dispatch-judge.js';
import { Facts, type Verdict } from './facts.js';
import type { Digests, Entry, History, Urgency, Violation } from './history.js';

export type { Entry, Fact, History, Shown, Violation } from './history.js';

/** "When none was adopted within the last 2 s (at most 10 s after the first)." */
const settleMs = 2_000;
const settleLimitMs = 10_000;

/** "The third opens the task's circuit: one try is made after 1, 2, 4 … 32 h, then daily." */
const failuresBefore = 3;
const hoursUntilTry = [1, 2, 4, 8, 16, 32];
const triedAfterMs = (failures: number): number => (hoursUntilTry[failures - failuresBefore] ?? 24) * 3_600_000;

interface At {
  readonly at: number;
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Since when a task is stale or pending without a break. */
  readonly since: ReadonlyMap<string, number>;
}

interface Offer {
  readonly position: number;
  readonly task: string;
  /** As the judge names it, at the basis. */
  readonly key: string;
  readonly urgency: Urgency;
  readonly pins: readonly { readonly reference: string; readonly platforms: Digests }[];
}

/** What a task did since the last time that everything was at rest. */
interface Phase {
  firstStart: number | null;
  built: number;
  /** Changes of what it is to be built from, after its first run had started. */
  changes: number;
}

/**
 * Judges a history by the text of the design alone. It computes who is stale and who is pending anew at every
 * position, by recursion over the definitions, and knows nothing of how the product does it.
 */
export const judge = (history: History): Violation[] => new Judge(history).judge();

class Judge {
  private readonly facts = new Facts();
  private readonly states: At[] = [{ at: 0, verdicts: new Map(), since: new Map() }];
  private readonly offers = new Map<number, Offer>();
  private readonly open = new Map<string, Offer>();
  private readonly phases = new Map<string, Phase>();
  private readonly built = new Map<string, { key: string; position: number }>();
  private readonly inHand = new Map<string, { task: string; key: string; offer: Offer; startedAt: number | null }>();
  /** Since when a task is due and nobody offers it. */
  private readonly overlooked = new Map<string, number>();
  private readonly keyChanged = new Map<string, number>();
  private readonly failedSince = new Set<string>();
  private readonly heldSince = new Map<string, number>();
  private readonly freshSince = new Map<string, number>();
  private readonly namedKeys = new Map<string, string>();
  private readonly found: Violation[] = [];

  /** Only where what is decided is a fact at once: else what is decided by was not all that there was. */
  private readonly dispatches: DispatchJudge | null;

  constructor(private readonly history: History) {
    const say = (position: number, task: string, text: string) => this.say('dispatch', position, task, text);
    this.dispatches = history.lagMs === 0 ? new DispatchJudge(history.slots, say) : null;
  }

  judge(): Violation[] {
    const rests = new Set(this.history.rests);
    for (const entry of this.history.entries) {
      this.before(entry);
      this.dispatches?.apply(entry);
      this.facts.apply(entry, (position) => this.offers.get(position)?.key ?? null);
      this.observe(entry);
      this.after(entry);
      if (rests.has(entry.position)) this.rest(entry.position);
      if (this.found.length > 20) break;
    }
    this.compareShown();
    if (!this.history.cameToRest) this.say('rest', this.states.length - 1, '', 'it never comes to rest');
    return this.found.sort((a, b) => a.position - b.position);
  }

  /** What must hold when an event is added, judged on what was true just before it. */
  private before(entry: Entry): void {
    switch (entry.kind) {
      case 'offered':
        return this.offered(entry);
      case 'withdrawn':
        this.open.delete(entry.task);
        return;
      case 'queued':
        return this.queued(entry);
      case 'dispatched': {
        // Where facts take time to be known, who starts it cannot know what was changed since.
        const hand = this.inHand.get(entry.run);
        if (hand && this.history.lagMs > 0) this.phase(hand.task).firstStart ??= entry.position;
        return;
      }
      case 'started':
        return this.started(entry);
      case 'succeeded':
        return this.succeeded(entry);
      case 'failed': {
        const hand = this.inHand.get(entry.run);
        if (hand) this.failedSince.add(hand.task);
        return this.over(entry.run);
      }
      case 'canceled':
        return this.over(entry.run);
      case 'defined':
        if (entry.created) this.built.delete(entry.task);
        return;
      default:
        return;
    }
  }

  private offered(entry: Extract<Entry, { kind: 'offered' }>): void {
    const { task, basis, position, at } = entry;
    const then = this.states[basis];
    const verdict = then?.verdicts.get(task);
    if (!then || !verdict) {
      this.say('minimal', position, task, `an offer on the basis of ${basis}, where there is no such task`);
      return;
    }
    const { key } = verdict;
    // Equal facts have equal keys, different facts different ones.
    const known = this.namedKeys.get(entry.key);
    if (known !== undefined && known !== key) this.say('twice', position, task, 'one input key for different facts');
    this.namedKeys.set(entry.key, key);
    this.facts.named.set(entry.key, key);

    if (!verdict.stale) this.say('minimal', position, task, 'offered, and it was not stale');
    if (!verdict.automatic) this.say('minimal', position, task, 'offered, and it is not rebuilt without a person');
    // "A newer key replaces a queued one", and nothing else is offered beside a run.
    if (verdict.running || (verdict.askedFor && !this.open.has(task))) {
      this.say('twice', position, task, 'offered while a run of it goes on');
    }
    const waited = at - (then.since.get(task) ?? at);
    if (verdict.held && waited < this.history.patienceMs) {
      this.say('order', position, task, 'offered while an upstream task was pending');
    }
    if (verdict.roots.length > 1 && at - Math.max(...verdict.roots) < settleMs && waited < settleLimitMs) {
      this.say('settling', position, task, 'offered before its roots had settled');
    }
    const before = this.open.get(task);
    if (before?.key === key) this.say('twice', position, task, 'offered again while the offer stands');
    const offer = { position, task, key, urgency: verdict.urgency, pins: entry.pins };
    this.offers.set(position, offer);
    this.open.set(task, offer);
  }

  private queued(entry: Extract<Entry, { kind: 'queued' }>): void {
    if (entry.offer === null) return;
    const offer = this.offers.get(entry.offer);
    if (!offer || offer.task !== entry.task) {
      return this.say('minimal', entry.position, entry.task, 'queued without an offer');
    }
    const failures = this.facts.tasks.get(entry.task)?.failures;
    const failed = failures?.key === offer.key && failures.count >= failuresBefore ? failures : null;
    if (failed && entry.at - failed.at < triedAfterMs(failed.count)) {
      this.say('circuit', entry.position, entry.task, `tried again after ${failed.count} failures, and too soon`);
    }
    const urgency = failed ? 'HalfOpen' : offer.urgency;
    if (entry.urgency !== urgency) {
      this.say('dispatch', entry.position, entry.task, `queued as ${entry.urgency}, and it is ${urgency}`);
    }
    for (const other of this.inHand.values()) {
      if (other.task === entry.task && other.key === offer.key) {
        this.say('twice', entry.position, entry.task, 'its key is queued or running already');
      }
    }
    const last = this.built.get(entry.task);
    const returned = (this.keyChanged.get(entry.task) ?? 0) > (last?.position ?? 0);
    if (last?.key === offer.key && !returned && !this.failedSince.has(entry.task)) {
      this.say('twice', entry.position, entry.task, 'its key was built, and nothing was different in between');
    }
    this.inHand.set(entry.run, { task: entry.task, key: offer.key, offer, startedAt: null });
  }

  private started(entry: Extract<Entry, { kind: 'started' }>): void {
    const hand = this.inHand.get(entry.run);
    // A later attempt goes on with what the first began.
    if (!hand || hand.startedAt !== null) return;
    hand.startedAt = entry.position;
    const { task } = hand;
    const now = this.states[entry.position - 1]!;
    const waited = entry.at - (now.since.get(task) ?? entry.at);
    if (this.lasted(this.heldSince, task, entry.at) && waited < this.history.patienceMs) {
      this.say('order', entry.position, task, 'started while an upstream task was pending');
    }
    if (this.lasted(this.freshSince, task, entry.at)) {
      this.say('minimal', entry.position, task, 'started, and it was not stale');
    }
    // "When the key changes … before the start, it is withdrawn."
    if (this.history.lagMs === 0 && now.verdicts.get(task)?.key !== hand.key) {
      this.say('twice', entry.position, task, 'started for a key that is no longer the current one');
    }
    const phase = this.phase(task);
    phase.firstStart ??= entry.position;
  }

  private succeeded(entry: Extract<Entry, { kind: 'succeeded' }>): void {
    const hand = this.inHand.get(entry.run);
    if (!hand || hand.startedAt === null) return this.over(entry.run);
    const { task, offer } = hand;
    // "The builder checks, caught up to that position, that each tracked pin is the adopted digest."
    const adopted = this.states[hand.startedAt]!.verdicts.get(task)?.inputs;
    for (const pin of offer.pins) {
      for (const [platform, digest] of Object.entries(adopted?.get(pin.reference) ?? {})) {
        if (platform in pin.platforms && pin.platforms[platform] !== digest) {
          this.say('pins', entry.position, task, `built on a ${pin.reference} that was replaced before it started`);
        }
      }
    }
    const phase = this.phase(task);
    phase.built += 1;
    if (phase.built > 1 + phase.changes) {
      this.say('minimal', entry.position, task, `built ${phase.built} times for ${1 + phase.changes} changes`);
    }
    this.built.set(task, { key: hand.key, position: hand.startedAt });
    this.failedSince.delete(task);
    this.over(entry.run);
  }

  private over(run: string): void {
    const hand = this.inHand.get(run);
    if (!hand) return;
    this.inHand.delete(run);
    if (this.open.get(hand.task) === hand.offer) this.open.delete(hand.task);
  }

  /** Takes down what is true now. */
  private observe({ position, at }: Entry): void {
    const last = this.states[position - 1]!;
    const verdicts = this.facts.judge();
    const since = new Map<string, number>();
    for (const [task, verdict] of verdicts) {
      if (verdict.stale || verdict.pending) since.set(task, last.since.get(task) ?? at);
      if (last.verdicts.get(task)?.key !== verdict.key) {
        this.keyChanged.set(task, position);
        const phase = this.phase(task);
        if (phase.firstStart !== null) phase.changes += 1;
      }
      mark(this.heldSince, task, verdict.held, at);
      mark(this.freshSince, task, !verdict.stale, at);
    }
    this.states.push({ at, verdicts, since });
  }

  /** "What never runs never holds", and nothing is forgotten: who is due is offered. */
  private after({ position, at }: Entry): void {
    const { verdicts } = this.states[position]!;
    for (const [task, verdict] of verdicts) {
      const free = !verdict.held && !verdict.running && !verdict.askedFor;
      const due = verdict.stale && verdict.automatic && free && !this.open.has(task);
      const since = this.overlooked.get(task);
      if (since !== undefined && at - since > settleLimitMs + this.history.lagMs + this.history.lostMs + 1) {
        this.say('held', position, task, `due since ${since} ms, and nobody offered it`);
        this.overlooked.delete(task);
      }
      mark(this.overlooked, task, due, at);
    }
  }

  private rest(position: number): void {
    for (const [task, verdict] of this.states[position]!.verdicts) {
      if (verdict.stale && verdict.automatic) {
        this.say('rest', position, task, 'does not stand on what is adopted, and nothing goes on');
      } else if (verdict.pending) this.say('rest', position, task, 'is pending, and nothing goes on');
      const { failures, circuit } = this.facts.tasks.get(task)!;
      if (failures && failures.count >= failuresBefore && !failures.tryGranted && circuit !== failures.key) {
        this.say('circuit', position, task, `failed ${failures.count} times, and nobody was told`);
      }
    }
    this.phases.clear();
  }

  private compareShown(): void {
    for (const { position, tasks } of this.history.shown) {
      for (const [name, { stale, pending, unsettled }] of this.states[position]?.verdicts ?? []) {
        const shown = tasks.get(name);
        if (shown?.stale === stale && shown.pending === pending && shown.unsettled === unsettled) continue;
        const is = JSON.stringify({ stale, pending, unsettled });
        this.say('shown', position, name, `shown as ${JSON.stringify(shown)}, and it is ${is}`);
        if (this.found.length > 40) return;
      }
    }
  }

  /** Whether something is so for longer than a decision takes to become a fact. */
  private lasted(sinceOf: ReadonlyMap<string, number>, task: string, at: number): boolean {
    const since = sinceOf.get(task);
    return since !== undefined && at - since >= this.history.lagMs;
  }

  private phase(task: string): Phase {
    let phase = this.phases.get(task);
    if (!phase) this.phases.set(task, (phase = { firstStart: null, built: 0, changes: 0 }));
    return phase;
  }

  private say(rule: Violation['rule'], position: number, task: string, text: string): void {
    this.found.push({ rule, position, task, text });
  }
}

const mark = (sinceOf: Map<string, number>, task: string, is: boolean, at: number): void => {
  if (!is) sinceOf.delete(task);
  else if (!sinceOf.has(task)) sinceOf.set(task, at);
};
