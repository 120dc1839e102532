import type { EventData, EventType, Snapshot } from '#libs/contracts';
import type { Clock, RecordedEvent } from '#libs/event-log';
import { Policies } from '../../../apps/watcher/src/policy/policy.js';
import { unknownTag, type TagState } from '../../../apps/watcher/src/tags/tag-state.js';
import { tagDecider, type TagCommand } from '../../../apps/watcher/src/tags/tag.decider.js';
import type { Chance } from '../../simulation/chance.js';
import type { Agenda, SimulatedLog } from '../../simulation/log.js';
import type { SimulatedRegistry } from '../../simulation/registry.js';
import type { BuildEstate } from './estate.js';

interface Options {
  readonly log: SimulatedLog;
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly registry: SimulatedRegistry;
  readonly estate: BuildEstate;
}

/**
 * Looks when a registry tells of a push, and once for each output of a run that somebody stands on; what a look shows is
 * judged by the decider and the policy of production, which wait for an index that comes piece by piece.
 */
export class BenchWatcher {
  private readonly states = new Map<string, TagState>();
  private readonly usableOf = new Map<string, Snapshot[]>();
  private readonly wanted = new Map<string, Set<string>>();
  private readonly policies: Policies;
  /** Runs by what they pushed, until their success is in the log; and answers that came before it. */
  private readonly building = new Map<string, string>();
  private readonly succeeded = new Set<string>();
  private readonly answered = new Set<string>();

  constructor(private readonly options: Options) {
    const { agenda, log, estate } = options;
    for (const { inputs, platforms } of estate.tasks) {
      for (const { reference } of inputs) {
        const wanted = this.wanted.get(reference) ?? new Set();
        this.wanted.set(reference, wanted);
        for (const platform of platforms) wanted.add(platform);
      }
    }
    this.policies = new Policies({
      states: { all: () => [] },
      tags: { get: (reference) => ({ state: this.states.get(reference) ?? unknownTag, sequence: 0 }) },
      watchList: {
        platformsOf: (reference) => [...(this.wanted.get(reference) ?? [])],
        sistersOf: () => [],
        pushesTo: () => false,
      },
      clock: { now: () => new Date(agenda.now) } as Clock,
      preset: 'acr',
    });
    log.onEvent((event) => this.apply(event));
  }

  /** The newest adopted index that has every platform that is wanted. */
  usable(reference: string, platforms: readonly string[]): Snapshot | undefined {
    return this.usableOf.get(reference)?.find((index) => platforms.every((one) => one in index.platforms));
  }

  /** A registry told of a push. */
  hint(reference: string): void {
    const { agenda, chance } = this.options;
    if (this.wanted.has(reference)) agenda.in(chance.between('hint', 1, 900), 2, () => this.look(reference, null));
  }

  private look(reference: string, answers: string | null): void {
    const found = this.options.registry.get(reference);
    if (!found) return;
    const state = this.state(reference);
    const pushedBy = answers ?? this.building.get(`${reference} ${found.digest}`) ?? null;
    // One of ours before its success is in the log: the look counts as the answer.
    const run = answers ?? (pushedBy !== null && !this.succeeded.has(pushedBy) ? pushedBy : null);
    if (run !== null && this.answered.has(`${reference} ${run}`)) return;
    if (run !== null) this.answered.add(`${reference} ${run}`);
    const verdict = this.policies.decide(reference, state, found, pushedBy !== null);
    const seenBy = run === null ? 'Webhook' : 'Push';
    this.do({ type: 'observe', reference, found, seenBy, hintedAt: null, run, verdict });
  }

  private do(command: TagCommand): void {
    const { log, agenda } = this.options;
    const { reference } = command;
    for (const { type, data } of tagDecider.decide(command, this.state(reference))) {
      log.append({ kind: 'tag', id: reference }, type as EventType, data as EventData<EventType>);
      if (type === 'tag.held' && data.until) {
        const again = { type: 'reconsider', reference, judge: this.policies.reconsider } as const;
        agenda.in(Math.max(1, Date.parse(data.until) - agenda.now), 2, () => this.do(again));
      }
    }
  }

  private apply(event: RecordedEvent): void {
    const { agenda, chance } = this.options;
    switch (event.type) {
      case 'tag.moved':
      case 'tag.adopted':
      case 'tag.held': {
        const { reference } = event.data;
        this.states.set(reference, tagDecider.evolve(this.state(reference), event as RecordedEvent<'tag.moved'>));
        if (event.type !== 'tag.adopted') return;
        this.usableOf.set(reference, [event.data.to, ...(this.usableOf.get(reference) ?? []).slice(0, 15)]);
        return;
      }
      case 'run.built':
        for (const { reference, digest } of event.data.outputs) {
          this.building.set(`${reference} ${digest}`, event.data.run);
        }
        return;
      case 'run.succeeded': {
        const { run, outputs } = event.data;
        this.succeeded.add(run);
        for (const { reference } of outputs) {
          if (!this.wanted.has(reference)) continue;
          agenda.in(chance.between('answer', 1, 3_000), 2, () => this.look(reference, run));
        }
        return;
      }
      default:
    }
  }

  private state(reference: string): TagState {
    let state = this.states.get(reference);
    if (!state) {
      state = tagDecider.evolve(unknownTag, { type: 'tag.watched', data: { reference }, time: zero } as never);
      this.states.set(reference, state);
    }
    return state;
  }
}

const zero = new Date(0).toISOString();
