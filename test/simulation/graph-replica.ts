import type { EventData, EventType } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';
import { evaluate, type Patience } from '../../apps/graph/src/model/evaluate.js';
import { GraphModel } from '../../apps/graph/src/model/graph-model.js';
import type { TaskNode } from '../../apps/graph/src/model/nodes.js';
import { rebuildDecider, type RebuildState } from '../../apps/graph/src/rebuilds/rebuild.decider.js';
import { everyMs, Overlooked } from '../../apps/graph/src/rebuilds/reconciler.js';
import type { Chance } from './chance.js';
import type { Shown } from './history.js';
import type { Agenda, SimulatedLog } from './log.js';

/** The real code that a replica runs; a planted bug replaces one of these. */
export interface GraphParts {
  readonly model: () => GraphModel;
  readonly evaluate: typeof evaluate;
  readonly decide: () => typeof rebuildDecider.decide;
  /** False: a replica appends whatever was appended meanwhile. */
  readonly expectsSequence: boolean;
  /** False: nothing looks for what was overlooked. */
  readonly reconciles: boolean;
}

export const realGraph: GraphParts = {
  model: () => new GraphModel(),
  evaluate,
  decide: () => rebuildDecider.decide,
  expectsSequence: true,
  reconciles: true,
};

interface Options {
  readonly name: string;
  readonly log: SimulatedLog;
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly parts: GraphParts;
  readonly patience: Patience;
  readonly lagMs: number;
  /** How likely it is that an offer which should be made is forgotten, for no reason. */
  readonly forgets?: number;
  /** Told what is shown after each event. */
  readonly show?: (shown: Shown) => void;
}

/** A replica of the graph service: the model, the decider, and the thin shell that appends what they decide. */
export class GraphReplica {
  private readonly model: GraphModel;
  private readonly decide: typeof rebuildDecider.decide;
  private readonly states = new Map<string, { state: RebuildState; sequence: number }>();
  private readonly dirty = new Set<TaskNode>();
  private readonly appending = new Set<TaskNode>();
  private readonly overlooked = new Overlooked();
  private position = 0;
  private woken = false;
  private gone = false;

  constructor(private readonly options: Options) {
    this.model = options.parts.model();
    this.decide = options.parts.decide();
    options.log.onEvent(() => this.wake());
  }

  /** Another process with an empty memory takes its place; it reads the log from the beginning. */
  restart(): GraphReplica {
    this.gone = true;
    const next = new GraphReplica(this.options);
    next.readAll();
    // What it had read is what the new one knows when it has read as much; it has nothing new to say of that.
    if (this.position === next.position && this.dirty.size === 0 && this.appending.size === 0) {
      const [before, after] = [this.view(), next.view()];
      for (const [task, state] of before) {
        if (JSON.stringify(state) !== JSON.stringify(after.get(task))) {
          throw new Error(
            `${task}: ${JSON.stringify(state)} before the restart, then ${JSON.stringify(after.get(task))}`,
          );
        }
      }
      // What was forgotten is said by one that starts anew; else there is nothing to say.
      for (const task of this.options.forgets ? [] : next.model.tasks.values()) {
        const said = next.proposals(task);
        if (said.length > 0) throw new Error(`${task.name}: said after a restart: ${JSON.stringify(said)}`);
      }
    }
    next.wake();
    return next;
  }

  private wake(): void {
    if (this.woken || this.gone) return;
    this.woken = true;
    const { agenda, chance, name, lagMs } = this.options;
    agenda.in(lagMs > 0 ? chance.between(`${name} reads`, 0, lagMs >> 1) : 0, 0, () => {
      this.woken = false;
      if (this.gone) return;
      this.readAll();
      this.act();
    });
  }

  private readAll(): void {
    const { events } = this.options.log;
    while (this.position < events.length) {
      const event = events[this.position]!;
      this.model.apply(event);
      this.position = event.sequence;
      if (event.type === 'rebuild.due' || event.type === 'rebuild.blocked' || event.type === 'rebuild.settled') {
        const state = rebuildDecider.evolve(
          this.stateOf(event.aggregate.id).state,
          event as RecordedEvent<'rebuild.due'>,
        );
        this.states.set(event.aggregate.id, { state, sequence: event.sequence });
      }
      this.options.show?.({ position: this.position, tasks: this.view() });
    }
    for (const task of this.model.changes.tasks) this.dirty.add(task);
    this.model.changes.tasks.clear();
  }

  private act(): void {
    const { agenda, chance, log, name, lagMs, parts } = this.options;
    for (const task of this.dirty) {
      if (this.appending.has(task)) continue;
      this.dirty.delete(task);
      const proposals = this.proposals(task);
      if (proposals.length === 0 || this.forgets(task, proposals)) continue;
      const { sequence } = this.stateOf(task.name);
      this.appending.add(task);
      const append = () => {
        this.appending.delete(task);
        if (this.gone) return;
        for (const { type, data } of proposals) {
          const expected = parts.expectsSequence ? sequence : undefined;
          const added = log.append(
            { kind: 'rebuild', id: task.name },
            type as EventType,
            data as EventData<EventType>,
            expected,
          );
          if (!added) this.dirty.add(task);
        }
        this.wake();
      };
      if (lagMs > 0) agenda.in(chance.between(`${name} appends`, 0, lagMs >> 1), 1, append);
      else append();
    }
  }

  /** A bug that nobody knows of: the trigger is lost. Comparing everything, twice, finds it. */
  private forgets(task: TaskNode, proposals: readonly { type: string }[]): boolean {
    const { agenda, chance, name, forgets = 0, parts } = this.options;
    const open = task.offer !== null && !task.offer.over;
    if (open || proposals[0]?.type !== 'rebuild.due' || !chance.hit(`${name} forgets`, forgets)) return false;
    if (parts.reconciles) for (const pass of [1, 2]) agenda.in(pass * everyMs, 1, () => this.reconcile());
    return true;
  }

  private reconcile(): void {
    const { agenda, log, patience } = this.options;
    if (this.gone) return;
    const found = [...this.overlooked.pass(this.model, () => agenda.now, patience)];
    for (const one of found) {
      if (!one) continue;
      const { name } = one.task;
      const command = {
        task: name,
        evaluation: one.due,
        offerOver: true,
        basis: this.position,
        waves: [],
        recreated: true,
      };
      const { state, sequence } = this.stateOf(name);
      for (const { type, data } of this.decide(command, state)) {
        log.append({ kind: 'rebuild', id: name }, type as EventType, data as EventData<EventType>, sequence);
      }
    }
  }

  private proposals(task: TaskNode) {
    const { agenda, patience, parts } = this.options;
    const evaluation = parts.evaluate(task, this.model.images, agenda.now, patience);
    if (evaluation.kind === 'blocked' && evaluation.again !== null) {
      agenda.in(Math.max(1, evaluation.again - agenda.now), 0, () => {
        this.dirty.add(task);
        this.wake();
      });
    }
    const command = {
      task: task.name,
      evaluation,
      offerOver: task.offer?.over ?? true,
      basis: this.position,
      waves: [],
    };
    return this.decide(command, this.stateOf(task.name).state);
  }

  private stateOf(task: string): { state: RebuildState; sequence: number } {
    return this.states.get(task) ?? { state: rebuildDecider.initialState, sequence: 0 };
  }

  private view(): Shown['tasks'] {
    return new Map(
      [...this.model.tasks.values()].map(({ name, stale, pending, unsettled }) => [
        name,
        { stale, pending, unsettled },
      ]),
    );
  }
}
