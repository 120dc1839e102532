import type { PolicyDefinition, PolicyPreset, Snapshot } from '#libs/contracts';
import type { Clock, RecordedEvent } from '#libs/event-log';
import { Policies } from '../policy/policy.js';
import { unknownTag, type TagState } from '../tags/tag-state.js';
import { tagDecider, type TagCommand } from '../tags/tag.decider.js';
import { reference } from './samples.js';

export interface StoryOptions {
  /** A policy for every image; the preset decides without one. */
  readonly policy?: Omit<PolicyDefinition, 'name' | 'match'>;
  readonly preset?: PolicyPreset;
  /** Platforms that dependants build. */
  readonly wanted?: readonly string[];
  /** Whether Plinth pushes to the registry. */
  readonly own?: boolean;
  /** Other watched tags of the repository. */
  readonly sisters?: ReadonlyMap<string, TagState>;
}

type Event = Parameters<typeof tagDecider.evolve>[1];

/** One tag, with the rules and the decider that production has, and a clock that stands still until it is moved. */
export class TagStory {
  state: TagState = unknownTag;
  readonly events: Event[] = [];
  /** Milliseconds. */
  now = Date.parse('2026-01-01T00:00:00.000Z');
  readonly policies: Policies;

  constructor({ policy, preset = 'acr', wanted = ['linux/amd64'], own = false, sisters }: StoryOptions = {}) {
    const definition = policy && { name: 'tested', match: ['*'], ...policy };
    this.policies = new Policies({
      states: { all: () => (definition ? [['tested', { state: { definition } }]] : []) },
      tags: { get: (sister) => ({ state: sisters?.get(sister) ?? unknownTag, sequence: 1 }) },
      watchList: {
        platformsOf: () => [...wanted],
        sistersOf: () => [reference, ...(sisters?.keys() ?? [])],
        pushesTo: () => own,
      },
      clock: { now: () => new Date(this.now) } as Clock,
      preset,
    });
    this.do({ type: 'watch', reference });
  }

  /** Types of the events, and of what was held why. */
  get told(): string[] {
    return this.events.map((event) => (event.type === 'tag.held' ? `${event.type} ${event.data.code}` : event.type));
  }

  get adopted(): string | undefined {
    return this.state.adopted?.digest;
  }

  do(command: TagCommand): Event[] {
    const events = tagDecider.decide(command, this.state).map((proposed, index) => ({
      ...proposed,
      sequence: this.events.length + index + 1,
      id: `event-${this.events.length + index + 1}`,
      time: new Date(this.now).toISOString(),
    })) as unknown as Event[];
    for (const event of events) this.state = tagDecider.evolve(this.state, event);
    this.events.push(...events);
    return events;
  }

  /** A look finds this; `run` pushed it. */
  look(found: Snapshot | null, run: string | null = null): Event[] {
    const verdict = found && this.policies.decide(reference, this.state, found, run !== null);
    const seenBy = run === null ? 'Poll' : 'Push';
    return this.do({ type: 'observe', reference, found, seenBy, hintedAt: null, run, verdict });
  }

  reconsider(): Event[] {
    return this.do({ type: 'reconsider', reference, judge: this.policies.reconsider });
  }

  /** Lets time pass; what is due on the way is decided when it is due. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (let due = this.due(end); due !== undefined; due = this.due(end)) {
      this.now = Math.max(this.now, due);
      if (this.reconsider().length === 0) break;
    }
    this.now = end;
  }

  person(command: { type: 'hold' | 'unpin' | 'rollback' } | { type: 'release'; urgent?: boolean; digest?: string }) {
    const by = { reference, by: 'ann', reason: 'a test' };
    if (command.type !== 'release') return this.do({ ...command, ...by });
    return this.do({ type: 'release', digest: command.digest, urgent: command.urgent ?? false, ...by });
  }

  pin(to: Snapshot): Event[] {
    return this.do({ type: 'pin', to, reference, by: 'ann', reason: 'a test' });
  }

  /** What the log makes of it when it is read from the beginning. */
  replayed(): TagState {
    return (this.events as RecordedEvent[]).reduce(
      (state, event) => tagDecider.evolve(state, event as Event),
      unknownTag,
    );
  }

  private due(end: number): number | undefined {
    const ends = this.state.candidates.flatMap((candidate) => {
      const verdict = this.policies.reconsider(this.state, candidate);
      return !verdict.adopt && verdict.until !== null ? [Date.parse(verdict.until)] : [];
    });
    const first = Math.min(...ends);
    return first <= end ? first : undefined;
  }
}
