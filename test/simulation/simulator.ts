import { definitionHash } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import { defaultPatience } from '../../apps/graph/src/model/evaluate.js';
import { everyMs } from '../../apps/graph/src/rebuilds/reconciler.js';
import { SimulatedBuilder } from './builder.js';
import { Chance } from './chance.js';
import { definitionOf } from './definition.js';
import { entryOf } from './entry.js';
import { GraphReplica, realGraph, type GraphParts } from './graph-replica.js';
import type { History, Shown } from './history.js';
import { Agenda, SimulatedLog } from './log.js';
import { SimulatedRegistry } from './registry.js';
import { Runs } from './runs.js';
import type { Action, Scenario, TaskPlan } from './scenario.js';
import { realScheduler, SimulatedScheduler, type SchedulerParts } from './scheduler.js';
import { SimulatedWatcher } from './watcher.js';

export interface Planted {
  readonly graph?: Partial<GraphParts>;
  readonly scheduler?: Partial<SchedulerParts>;
  readonly checksPins?: boolean;
}

/** Events after which a simulation is broken off: it goes round in circles. */
const eventLimit = 4_000;

/** Runs a scenario on virtual time with the real model, evaluation and decider, and answers what happened. */
export const simulate = (scenario: Scenario, planted: Planted = {}): History => new Simulation(scenario, planted).run();

class Simulation {
  private readonly agenda = new Agenda();
  private readonly log = new SimulatedLog(this.agenda);
  private readonly chance: Chance;
  private readonly runs = new Runs(this.log);
  private readonly shown = new Map<number, Shown>();
  private readonly plans = new Map<string, { plan: TaskPlan; revision: number; live: boolean }>();
  private readonly recipes = new Map<string, TaskPlan>();
  private readonly registry = new SimulatedRegistry((reference) => this.watcher.hint(reference));
  private readonly watcher: SimulatedWatcher;
  private readonly scheduler: SimulatedScheduler;
  private readonly replicas: GraphReplica[];
  /** Builds begin to fail when all tasks that are to stand on something do. */
  private accidents = false;
  /** How many reasons there are for which no builder is there. */
  private buildersAway = 0;

  constructor(
    private readonly scenario: Scenario,
    planted: Planted,
  ) {
    const { agenda, log, registry, runs } = this;
    const chance = (this.chance = new Chance(scenario.seed));
    const common = { agenda, log, chance };
    this.watcher = new SimulatedWatcher({ ...common, ...scenario, registry });
    const builder: SimulatedBuilder = new SimulatedBuilder({
      ...common,
      ...scenario,
      registry,
      runs,
      watcher: this.watcher,
      checksPins: planted.checksPins ?? true,
      fate: ({ task }) => {
        if (!this.accidents) return 'Done';
        if (chance.hit('error', scenario.errors)) return 'Error';
        return chance.hit(`fail ${task}`, scenario.fails) ? 'Failed' : 'Done';
      },
      planOf: (task, hash) => this.recipes.get(`${task} ${hash}`)!,
    });
    this.scheduler = new SimulatedScheduler({
      ...common,
      runs,
      parts: { ...realScheduler, ...planted.scheduler },
      slots: () => (this.buildersAway > 0 ? 0 : scenario.slots),
      lagMs: scenario.lagMs,
      start: (run, attempt) => builder.start(run, attempt),
    });
    this.replicas = Array.from({ length: scenario.replicas }, (_, index) => {
      const show = (shown: Shown) => {
        if (index === 0) this.shown.set(shown.position, shown);
      };
      const parts = { ...realGraph, ...planted.graph };
      const patience = { ...defaultPatience, patienceMs: scenario.patienceMs };
      return new GraphReplica({ ...common, ...scenario, parts, name: `graph ${index}`, patience, show });
    });
  }

  run(): History {
    const { agenda, log, scenario } = this;
    const rests: number[] = [];
    for (const { reference, platforms } of scenario.roots) this.registry.move(reference, platforms);
    // Every tag is there already, from before Plinth.
    for (const { outputs, platforms } of scenario.tasks) {
      for (const reference of outputs) if (!this.registry.get(reference)) this.registry.move(reference, platforms);
    }
    for (const plan of scenario.tasks) this.create(plan);
    // Before anything is asked for, the scheduler has read the definitions.
    agenda.in(1, 2, () => {
      for (const plan of scenario.tasks) if (plan.built) this.scheduler.queue(plan.name);
    });
    let cameToRest = this.settle();
    rests.push(log.events.length);
    this.accidents = true;
    for (const phase of scenario.phases) {
      if (!cameToRest) break;
      let after = 0;
      for (const { afterMs, action } of phase) agenda.in((after += afterMs), 2, () => this.act(action));
      cameToRest = this.settle();
      rests.push(log.events.length);
    }
    if (!cameToRest) rests.pop();
    const { patienceMs, lagMs, slots } = scenario;
    return {
      entries: log.events.map(entryOf),
      shown: [...this.shown.values()],
      rests,
      cameToRest,
      patienceMs,
      lagMs,
      slots,
      // It is a suspect at the next pass, found at the one after it, and may be forgotten once more meanwhile.
      lostMs: scenario.forgets > 0 ? 4 * everyMs : 0,
    };
  }

  private settle(): boolean {
    while (this.agenda.step()) if (this.log.events.length > eventLimit) return false;
    return true;
  }

  private act(action: Action): void {
    switch (action.do) {
      case 'move':
        return this.registry.move(action.reference, action.platforms);
      case 'return':
        return this.registry.return(action.reference);
      case 'lack':
        return this.registry.lack(action.reference, action.platform);
      case 'run':
        if (this.plans.get(action.task)?.live) this.scheduler.queue(action.task, action.overridden);
        return;
      case 'update':
        return this.update(action);
      case 'delete': {
        const known = this.plans.get(action.task);
        if (!known?.live) return;
        known.live = false;
        this.log.append({ kind: 'task', id: action.task }, 'task.deleted', { task: action.task, by: 'ada' });
        return;
      }
      case 'create': {
        const known = this.plans.get(action.task);
        if (known && !known.live) this.create(known.plan);
        return;
      }
      case 'flurry':
        this.registry.move(action.reference, ['linux/amd64', 'linux/arm64']);
        this.agenda.in(action.gapMs, 2, () => this.act({ ...action, do: 'move', platforms: ['linux/amd64'] }));
        return;
      case 'rewrite': {
        const { task, reference, gapMs } = action;
        const inputs = this.plans.get(task)?.plan.inputs ?? [];
        this.update({ do: 'update', task, plan: { inputs: [{ reference, role: 'base' }] }, argument: true });
        this.agenda.in(gapMs, 2, () => this.update({ do: 'update', task, plan: { inputs }, argument: true }));
        return;
      }
      case 'commit': {
        const known = this.plans.get(action.task);
        if (!known?.live) return;
        const { reference } = action;
        known.plan = { ...known.plan, inputs: [...known.plan.inputs, { reference, role: 'base' }] };
        this.recipes.set(`${action.task} ${definitionHash(definitionOf(known.plan, known.revision))}`, known.plan);
        return this.scan(action.task, 0);
      }
      case 'replace':
        return this.whenNext(
          (event) => event.type === 'run.started' && this.runs.get(event.data.run).queued?.task === action.task,
          () => {
            this.act({ ...action, do: 'delete' });
            this.act({ ...action, do: 'create' });
          },
        );
      case 'blink': {
        const { task, forMs } = action;
        const tracked = (reference: string) =>
          this.plans.get(task)?.plan.inputs.some((input) => input.reference === reference) ?? false;
        return this.whenNext(
          (event) => event.type === 'run.succeeded' && event.data.outputs.some(({ reference }) => tracked(reference)),
          () => {
            const tracks = this.plans.get(task)?.plan.tracks;
            this.update({ do: 'update', task, plan: { tracks: 'Nothing' }, argument: false });
            this.agenda.in(forMs, 2, () => this.update({ do: 'update', task, plan: { tracks }, argument: false }));
          },
        );
      }
      case 'cancel': {
        const [active] = this.runs.activeOf(action.task);
        if (active) this.runs.do(active.run, { type: 'request-cancel', run: active.run, by: 'ada' });
        return;
      }
      case 'reset':
        return this.whenNext(
          (event) => event.type === 'task.circuit-opened',
          ({ aggregate }) => this.agenda.in(action.afterMs, 2, () => this.scheduler.reset(aggregate.id)),
        );
      case 'away':
        this.buildersAway += 1;
        this.agenda.in(action.forMs, 2, () => {
          this.buildersAway -= 1;
          this.scheduler.wake();
        });
        return;
      case 'urge':
        this.watcher.urge(action.reference);
        return this.registry.move(action.reference, ['linux/amd64', 'linux/arm64']);
      case 'restart': {
        const index = action.replica % this.replicas.length;
        this.replicas[index] = this.replicas[index]!.restart();
      }
    }
  }

  /** Once, right after the next event of a kind, if there is one. */
  private whenNext(is: (event: RecordedEvent) => boolean, what: (event: RecordedEvent) => void): void {
    let over = false;
    this.log.onEvent((event) => {
      if (over || !is(event)) return;
      over = true;
      this.agenda.in(0, 2, () => what(event));
    });
  }

  private create(plan: TaskPlan): void {
    this.plans.set(plan.name, { plan, revision: this.plans.get(plan.name)?.revision ?? 0, live: true });
    this.define(plan.name, 'task.created', true);
  }

  private update({ task, plan, argument }: Extract<Action, { do: 'update' }>): void {
    const known = this.plans.get(task);
    if (!known?.live) return;
    known.plan = { ...known.plan, ...plan };
    if (argument) known.revision += 1;
    this.define(task, 'task.updated', argument);
  }

  private define(task: string, type: 'task.created' | 'task.updated', scanned: boolean): void {
    const { log } = this;
    const { plan, revision } = this.plans.get(task)!;
    const definition = definitionOf(plan, revision);
    const hash = definitionHash(definition);
    this.recipes.set(`${task} ${hash}`, plan);
    log.append({ kind: 'task', id: task }, type, { definition, definitionHash: hash, by: 'ada' });
    if (scanned) this.scan(task, type === 'task.created' ? 0 : this.chance.between('scan', 1, 20_000));
  }

  /** A scan takes its time: it may come when the definition is another one already. */
  private scan(task: string, afterMs: number): void {
    const { plan, revision } = this.plans.get(task)!;
    this.agenda.in(afterMs, 2, () => {
      if (!this.plans.get(task)?.live) return;
      const inputs = plan.inputs.map(({ reference, role }, line) => ({
        reference,
        role,
        via: 'direct' as const,
        stage: null,
        line,
        platforms: [...plan.platforms],
        pinned: reference.includes('@'),
      }));
      const hash = definitionHash(definitionOf(plan, revision));
      this.log.append({ kind: 'task', id: task }, 'task.scanned', {
        task,
        definitionHash: hash,
        sourceRevision: null,
        status: 'Known',
        reason: null,
        inputs,
      });
    });
  }
}
