import { ChangeRate } from './change-rate.js';
import { Heap, type Queued } from './heap.js';
import type { Pacing } from './settings.js';

/** What is known of a tag when it begins to be planned. */
export interface TagFacts {
  readonly repository: string;
  /** Tasks that stand on it. */
  readonly dependants: number;
  /** When watching began, and when it moved since, in milliseconds. */
  readonly since: number;
  readonly moves: readonly number[];
  readonly lastLookAt: number | null;
}

interface Tag extends Queued {
  readonly reference: string;
  readonly repository: Repository;
  readonly rate: ChangeRate;
  dependants: number;
  share: number;
  /** Turn by its share: it is looked at in the order of turns. Budget only. */
  turn: number;
  lastLookAt: number;
  urgent: boolean;
}

interface Repository extends Queued {
  readonly name: string;
  readonly tags: Set<Tag>;
  /** When its tags were last looked at together. */
  together: number;
}

/** No tag gets less than this part of an equal share. */
const leastPart = 0.2;
/** Of five looks in a row at most four are urgent, so that urgency starves nobody. */
const urgentInRow = 4;
/** Publishers push the tags of a repository one after the other: after a move all are looked at again so much later. */
const togetherAgainMs = 60_000;
/** Tags of one repository that are looked at together; those with the largest shares. */
const togetherMost = 256;

/**
 * Which tag of one registry is looked at next. It does nothing by itself: it is asked for the next tag whenever the
 * registry may be asked something, so it divides whatever budget there is.
 *
 * By budget, tags get shares √(dependants × moves per day): of all ways to divide looks, that one has the least mean
 * delay, weighted by dependants (with f looks a second the delay of a tag is 1/2f; least Σ wλ/2f under Σ f = B means
 * f ∝ √(wλ)). The division is self-clocked fair queueing (Golestani, INFOCOM 1994): a tag's next turn comes 1 / share
 * after its last, the smallest turn is next, and the turn of the last look is the time. So no tag waits for ever, a
 * budget that shrinks makes all wait longer by the same factor, and nothing is computed anew when tags come and go.
 */
export class Plan {
  private readonly tags = new Map<string, Tag>();
  private readonly repositories = new Map<string, Repository>();
  /** Not in line yet: shares are known when all that come together are here. */
  private readonly fresh = new Set<Tag>();
  /** By turn (budget) or by when they are due (interval). */
  private readonly ready = new Heap<Tag>();
  /** By the moment before which they are not looked at. */
  private readonly resting = new Heap<Tag>();
  /** Tags whose turn is now, whatever their share. */
  private readonly urgent = new Set<Tag>();
  /** Repositories that are looked at together again. */
  private readonly again = new Heap<Repository>();
  private time = 0;
  private shares = 0;
  private urgentDone = 0;

  constructor(
    private pacing: Pacing,
    private readonly random: () => number = Math.random,
  ) {}

  get size(): number {
    return this.tags.size;
  }

  has(reference: string): boolean {
    return this.tags.has(reference);
  }

  add(reference: string, facts: TagFacts, now: number): void {
    const repository = this.repository(facts.repository);
    const tag: Tag = {
      reference,
      repository,
      rate: ChangeRate.of(facts.since, facts.moves),
      dependants: facts.dependants,
      share: 0,
      turn: 0,
      lastLookAt: facts.lastLookAt ?? -Infinity,
      urgent: false,
      key: 0,
      place: -1,
    };
    repository.tags.add(tag);
    this.tags.set(reference, tag);
    this.weigh(tag, now);
    this.fresh.add(tag);
  }

  remove(reference: string): void {
    const tag = this.tags.get(reference);
    if (!tag) return;
    this.leave(tag);
    this.tags.delete(reference);
    this.shares -= tag.share;
    tag.repository.tags.delete(tag);
    if (tag.repository.tags.size > 0) return;
    this.again.remove(tag.repository);
    this.repositories.delete(tag.repository.name);
  }

  setDependants(reference: string, dependants: number, now: number): void {
    const tag = this.tags.get(reference);
    if (!tag || tag.dependants === dependants) return;
    tag.dependants = dependants;
    this.weigh(tag, now);
  }

  /** Other settings: all begin anew, as after a restart. */
  setPacing(pacing: Pacing): void {
    if (JSON.stringify(pacing) === JSON.stringify(this.pacing)) return;
    this.pacing = pacing;
    for (const tag of this.tags.values()) {
      this.leave(tag);
      this.fresh.add(tag);
    }
  }

  /** When there will be a tag to look at, in milliseconds; Infinity when there is none to come. */
  nextAt(): number {
    if (this.urgent.size > 0 || this.ready.size > 0 || this.fresh.size > 0) return -Infinity;
    return Math.min(this.resting.first?.key ?? Infinity, this.again.first?.key ?? Infinity);
  }

  /** The tag to look at now, which counts as looked at; undefined when it is too early for all. */
  take(now: number): string | undefined {
    this.wake(now);
    const [urgent] = this.urgent;
    const tag = urgent && (this.urgentDone < urgentInRow || !this.ready.first) ? urgent : this.ready.first;
    if (!tag) return undefined;
    this.urgentDone = tag === urgent ? this.urgentDone + 1 : 0;
    if (tag !== urgent && this.pacing.kind === 'Budget') this.time = Math.max(this.time, tag.turn);
    this.leave(tag);
    tag.lastLookAt = now;
    this.weigh(tag, now);
    this.rest(tag, now);
    return tag.reference;
  }

  /** It was looked at for another reason: its next turn is as far away as after a look of the plan. */
  looked(reference: string, now: number): void {
    const tag = this.tags.get(reference);
    if (!tag || tag.lastLookAt >= now) return;
    this.leave(tag);
    tag.lastLookAt = now;
    this.rest(tag, now);
  }

  /** It has probably moved: its turn is now. */
  urge(reference: string): void {
    const tag = this.tags.get(reference);
    if (tag && !tag.urgent) this.hurry(tag);
  }

  /** It moved: its sisters have probably moved too, and are looked at at once. */
  moved(reference: string, now: number): void {
    const tag = this.tags.get(reference);
    if (!tag) return;
    tag.rate.moved(now);
    this.weigh(tag, now);
    const { repository } = tag;
    if (now - repository.together >= togetherAgainMs) this.together(repository, now, tag);
    if (!this.again.has(repository)) {
      repository.key = repository.together + togetherAgainMs;
      this.again.push(repository);
    }
  }

  /** About when the next look comes, at so many looks a second. */
  nextLookAt(reference: string, perSecond: number, now: number): number | null {
    const tag = this.tags.get(reference);
    if (!tag) return null;
    if (tag.urgent || this.fresh.has(tag)) return now;
    if (this.pacing.kind === 'Interval') return Math.max(now, tag.key);
    const rested = this.resting.has(tag) ? tag.key : now;
    const wait = (Math.max(0, tag.turn - this.time) * this.shares * 1000) / perSecond;
    return Math.max(rested, now + Math.min(wait, 1e12));
  }

  /** Somewhere in its first interval, so that tags that come together do not stay together and a restart is no rush. */
  private begin(tag: Tag, now: number): void {
    if (this.pacing.kind === 'Budget') {
      tag.turn = this.time + this.random() / this.shareOf(tag);
      tag.key = tag.lastLookAt + this.pacing.atLeastMs;
    } else {
      const interval = this.interval(this.pacing);
      const due = tag.lastLookAt + interval;
      tag.key = due > now ? due : now + Math.round(this.random() * interval);
    }
    this.resting.push(tag);
  }

  private rest(tag: Tag, now: number): void {
    if (this.pacing.kind === 'Budget') {
      tag.turn = this.time + (0.9 + this.random() * 0.2) / this.shareOf(tag);
      tag.key = now + this.pacing.atLeastMs;
    } else tag.key = now + this.interval(this.pacing);
    this.resting.push(tag);
  }

  private wake(now: number): void {
    for (const tag of this.fresh) this.begin(tag, now);
    this.fresh.clear();
    for (let one = this.again.first; one && one.key <= now; one = this.again.first) {
      this.again.remove(one);
      this.together(one, now);
    }
    for (let tag = this.resting.first; tag && tag.key <= now; tag = this.resting.first) {
      this.resting.remove(tag);
      if (this.pacing.kind === 'Budget') tag.key = tag.turn = Math.max(tag.turn, this.time);
      this.ready.push(tag);
    }
  }

  private together(repository: Repository, now: number, except?: Tag): void {
    repository.together = now;
    const sisters = [...repository.tags].filter((one) => one !== except && !one.urgent && one.lastLookAt < now);
    for (const tag of sisters.sort((a, b) => b.share - a.share).slice(0, togetherMost)) this.hurry(tag);
  }

  private hurry(tag: Tag): void {
    this.leave(tag);
    tag.urgent = true;
    this.urgent.add(tag);
  }

  private leave(tag: Tag): void {
    this.fresh.delete(tag);
    this.ready.remove(tag);
    this.resting.remove(tag);
    this.urgent.delete(tag);
    tag.urgent = false;
  }

  private weigh(tag: Tag, now: number): void {
    this.shares -= tag.share;
    tag.share = Math.sqrt(Math.max(1, tag.dependants) * tag.rate.perDay(now));
    this.shares += tag.share;
  }

  private shareOf(tag: Tag): number {
    return Math.max(tag.share, (leastPart * this.shares) / this.tags.size);
  }

  private interval({ fromMs, toMs }: Extract<Pacing, { kind: 'Interval' }>): number {
    return Math.round(fromMs + this.random() * (toMs - fromMs));
  }

  private repository(name: string): Repository {
    let one = this.repositories.get(name);
    if (!one) {
      one = { name, tags: new Set(), together: -Infinity, key: 0, place: -1 };
      this.repositories.set(name, one);
    }
    return one;
  }
}
