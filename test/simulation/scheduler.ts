import type { EventData, TaskDefinition } from '#libs/contracts';
import { failuresToOpenCircuit } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import type { Chance } from './chance.js';
import type { Agenda, SimulatedLog } from './log.js';
import type { Runs, SimulatedRun } from './runs.js';

interface Options {
  readonly log: SimulatedLog;
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly runs: Runs;
  readonly slots: number;
  readonly lagMs: number;
  readonly start: (run: SimulatedRun) => void;
}

/** Tries of a circuit that is half open, in a simulation: it must come to rest. */
const triesGranted = 2;

/** Queues what is offered, one run of a task at a time; withdraws, retries, opens circuits. */
export class SimulatedScheduler {
  private readonly definitions = new Map<string, { definition: TaskDefinition; definitionHash: string }>();
  private readonly offers = new Map<string, { position: number; data: EventData<'rebuild.due'> }>();
  private readonly failures = new Map<string, { key: string; count: number }>();
  private readonly circuits = new Map<string, { key: string; tries: number }>();
  private position = 0;
  private names = 0;

  constructor(private readonly options: Options) {
    options.log.onEvent(() => {
      const { agenda, chance, lagMs } = options;
      agenda.in(lagMs > 0 ? chance.between('scheduler reads', 0, lagMs >> 2) : 0, 1, () => this.work());
    });
  }

  /** A person's run, or the system's for an offer. */
  queue(task: string, offer: { position: number; data: EventData<'rebuild.due'> } | null, overridden = false): void {
    const defined = this.definitions.get(task);
    if (!defined) return;
    const run = `r${(this.names += 1)}`;
    const manual = { type: 'Manual', by: 'ada', at: '1970-01-01T00:00:00Z' } as const;
    this.options.log.append({ kind: 'run', id: run }, 'run.queued', {
      ...defined,
      run,
      task,
      runType: 'AutoBuild',
      key: offer?.data.key ?? null,
      causes: offer?.data.causes ?? [manual],
      offer: offer?.position ?? null,
      overridden,
      pins: offer?.data.pins ?? [],
      sourceRevision: null,
      priority: offer ? 'Base' : 'Interactive',
      waves: [],
      createdAt: '1970-01-01T00:00:00Z',
    });
  }

  /** @param reason why the run is not to go on */
  cancel({ run, task, state }: SimulatedRun, reason: 'Requested' | 'Superseded' | 'TaskDeleted'): void {
    const attempt = state === 'Started' ? 1 : null;
    this.options.log.append({ kind: 'run', id: run }, 'run.canceled', { run, task, attempt, reason, message: '' });
  }

  private work(): void {
    const { events } = this.options.log;
    // What it adds itself is read in its own turn.
    for (const end = events.length; this.position < end;) {
      const event = events[this.position]!;
      this.position = event.sequence;
      this.read(event);
    }
    this.dispatch();
  }

  private read(event: RecordedEvent): void {
    switch (event.type) {
      case 'task.created':
      case 'task.updated': {
        const { definition, definitionHash } = event.data;
        const before = this.definitions.get(definition.name);
        this.definitions.set(definition.name, { definition, definitionHash });
        if (before && before.definitionHash !== definitionHash) this.closeCircuit(definition.name, 'NewDefinition');
        return;
      }
      case 'task.deleted':
        this.definitions.delete(event.data.task);
        this.offers.delete(event.data.task);
        for (const run of this.options.runs.active(event.data.task)) this.cancel(run, 'TaskDeleted');
        return;
      case 'rebuild.due': {
        const { task, key } = event.data;
        this.withdraw(task);
        this.offers.set(task, { position: event.sequence, data: event.data });
        if (this.circuits.has(task) && this.circuits.get(task)?.key !== key) this.closeCircuit(task, 'NewInputs');
        return this.takeOffer(task);
      }
      case 'rebuild.blocked':
      case 'rebuild.settled':
        return this.withdraw(event.data.task);
      case 'run.succeeded':
        this.failures.delete(event.data.task ?? '');
        this.closeCircuit(event.data.task ?? '', 'Succeeded');
        return this.takeOffer(event.data.task ?? '');
      case 'run.failed':
      case 'run.timed-out':
        this.failed(event.data.run);
        return this.takeOffer(event.data.task ?? '');
      case 'run.canceled':
        return this.takeOffer(event.data.task ?? '');
      default:
        return;
    }
  }

  private withdraw(task: string): void {
    this.offers.delete(task);
    for (const run of this.options.runs.active(task)) {
      if (run.queued.offer !== null && run.state !== 'Started') this.cancel(run, 'Superseded');
    }
  }

  private takeOffer(task: string): void {
    const offer = this.offers.get(task);
    if (!offer || this.options.runs.active(task).length > 0) return;
    this.offers.delete(task);
    this.queue(task, offer);
  }

  private failed(id: string): void {
    const { agenda, chance, log, runs } = this.options;
    const run = runs.all.get(id);
    const key = run?.queued.key;
    if (!run || !key) return;
    const { task } = run;
    const before = this.failures.get(task);
    const count = before?.key === key ? before.count + 1 : 1;
    this.failures.set(task, { key, count });
    if (count < failuresToOpenCircuit) return;
    const tries = this.circuits.get(task)?.key === key ? this.circuits.get(task)!.tries : 0;
    this.circuits.set(task, { key, tries: tries + 1 });
    const opened = { task, key, failures: count, retryAt: '1970-01-01T00:00:00Z', reason: 'the build failed' };
    log.append({ kind: 'task', id: task }, 'task.circuit-opened', opened);
    if (tries >= triesGranted) return;
    agenda.in(chance.between('half open', 60_000, 300_000), 2, () => {
      const circuit = this.circuits.get(task);
      if (circuit?.key !== key || circuit.tries !== tries + 1 || !this.definitions.has(task)) return;
      log.append({ kind: 'task', id: task }, 'task.circuit-closed', { task, reason: 'HalfOpen' });
    });
  }

  private closeCircuit(task: string, reason: 'NewDefinition' | 'NewInputs' | 'Succeeded'): void {
    if (!this.circuits.delete(task)) return;
    this.options.log.append({ kind: 'task', id: task }, 'task.circuit-closed', { task, reason });
  }

  private dispatch(): void {
    const { log, runs, slots, start } = this.options;
    for (const run of runs.queued) {
      if (runs.inHand.size >= slots) return;
      if (runs.inHand.has(run.task)) continue;
      log.append({ kind: 'run', id: run.run }, 'run.dispatched', { run: run.run, attempt: 1, pool: 'default' });
      start(run);
    }
  }
}
