import type { AggregateKind, Cause, EventData, EventType, Pin, PushedImage, UsedInput } from '#libs/contracts';
import { inputKey } from '#libs/domain';
import type { AggregateRef, NewEvent } from '#libs/event-log';
import { makeWorld, randomFrom, snapshotOf, type World, type WorldImage, type WorldTask } from './world.js';

export interface HistoryEvent {
  readonly aggregate: AggregateRef;
  readonly event: NewEvent;
}

export interface HistoryOptions {
  readonly events: number;
  readonly tasks: number;
  readonly roots?: number;
  readonly depth?: number;
  readonly seed?: number;
  /** Runs under way at once. */
  readonly slots?: number;
  /**
   * What happens when all is built: one image moves after the other and what stands on it is rebuilt (unless said), or
   * all move at once and nothing is rebuilt, since the triggers are off. Then the history ends.
   */
  readonly end?: 'Waves' | 'AllStale';
}

interface Job {
  readonly task: WorldTask;
  readonly run: string;
  readonly key: string | null;
  readonly offer: number | null;
  readonly causes: Cause[];
  readonly waves: string[];
  attempt: number;
}

/**
 * The log of an installation: tasks are created, scanned and built once; then outside images move, one after the other,
 * and what stands on them is rebuilt level by level. The n-th event is meant for position n of an empty log.
 * Every hundredth run has an error of ours first, every 150th a failed build before.
 */
export class History {
  readonly #world: World;
  readonly #random: () => number;
  readonly #limit: number;
  readonly #slots: number;
  readonly #end: 'Waves' | 'AllStale';
  #position = 0;
  #runs = 0;
  #out: HistoryEvent[] = [];

  constructor({ events, tasks, roots = 60, depth = 5, seed = 1, slots = 64, end = 'Waves' }: HistoryOptions) {
    this.#random = randomFrom(seed);
    this.#world = makeWorld({ tasks, roots, depth, random: this.#random, triggers: end === 'Waves' });
    this.#end = end;
    this.#limit = events;
    this.#slots = slots;
  }

  /** Exactly as many events as were asked for. */
  *[Symbol.iterator](): Generator<HistoryEvent> {
    let given = 0;
    for (const _step of this.#steps()) {
      for (const event of this.#out) {
        if (given++ === this.#limit) return;
        yield event;
      }
      this.#out = [];
    }
  }

  *#steps(): Generator<void> {
    const { roots, tasks } = this.#world;
    for (const root of roots) {
      this.#watch(root);
      this.#adopt(root, null, null);
    }
    yield;
    for (const task of tasks) {
      this.#create(task);
      yield;
    }
    // From the top: each is built on what is there by then.
    for (const level of byLevel(tasks)) yield* this.#build(level.map((task) => this.#firstRun(task)));
    if (this.#end === 'AllStale') {
      const used = tasks.map(({ output }) => output).filter(({ consumers }) => consumers.length > 0);
      for (const image of [...roots, ...used]) this.#move(image);
      yield;
      return;
    }
    for (;;) {
      const root = roots[Math.floor(roots.length * this.#random() ** 1.5)]!;
      yield* this.#wave(root);
    }
  }

  *#wave(root: WorldImage): Generator<void> {
    const { from, look, position } = this.#move(root);
    const levels = byLevel(affectedBy(root));
    const wave = `w${position.toString(36)}`;
    if (levels.length > 0) {
      this.#add('wave', wave, 'wave.opened', {
        wave,
        ...look,
        from: from.digest,
        to: root.snapshot.digest,
        position,
        tasks: levels.flat().length,
        depth: levels.length,
      });
    }
    yield;
    let built = 0;
    for (const level of levels) {
      const jobs = level.map((task) => this.#due(task, from.digest, root, position, wave));
      built += jobs.length;
      yield* this.#build(jobs);
    }
    if (levels.length > 0) {
      this.#add('wave', wave, 'wave.closed', { wave, built, restored: 0, rebased: 0, unchanged: 0, unfinished: [] });
    }
    yield;
  }

  #move(image: WorldImage) {
    const from = image.snapshot;
    image.snapshot = snapshotOf(image.reference, ++image.version, this.#world.platforms);
    const look = { reference: image.reference, seenBy: 'Webhook' as const, hintedAt: this.#now() };
    this.#add('tag', image.reference, 'tag.moved', { ...look, from: from.digest, to: image.snapshot });
    return { from, look, position: this.#adopt(image, from.digest, null) };
  }

  /** Queues all, then takes as many at a time as there are slots through their attempts. */
  *#build(jobs: readonly Job[]): Generator<void> {
    for (const job of jobs) {
      this.#queue(job);
      yield;
    }
    for (let at = 0; at < jobs.length; at += this.#slots) {
      const working = jobs.slice(at, at + this.#slots);
      for (const job of working) this.#start(job);
      yield;
      for (const [index, job] of working.entries()) {
        if (job.key !== null && (at + index) % 100 === 99) this.#err(job);
      }
      const again = working.filter((job, index) => job.key !== null && (at + index) % 150 === 149 && this.#fail(job));
      const done = working.filter((job) => !again.includes(job));
      for (const job of done) this.#add('run', job.run, 'run.built', { ...this.#made(job), ...this.#attempt(job) });
      yield;
      for (const job of done) this.#succeed(job);
      yield;
      const next = again.map((job) => ({ ...job, run: this.#newRun(), offer: this.#offer(job), attempt: 1 }));
      if (next.length > 0) yield* this.#build(next);
    }
  }

  #create(task: WorldTask): void {
    const { name, definition, hash, inputs } = task;
    this.#add('task', name, 'task.created', { definition, definitionHash: hash, by: 'ada' });
    const scan = { task: name, definitionHash: hash, sourceRevision: null, status: 'Known' as const, reason: null };
    this.#add('task', name, 'task.scanned', { ...scan, inputs: [...inputs] });
    for (const base of task.bases)
      if (base.consumers[0] === task && base.reference.startsWith('registry')) this.#watch(base);
  }

  #firstRun(task: WorldTask): Job {
    const causes: Cause[] = [{ type: 'Manual', by: 'ada', at: this.#now() }];
    return { task, run: this.#newRun(), key: null, offer: null, causes, waves: [], attempt: 1 };
  }

  #due(task: WorldTask, from: string, root: WorldImage, position: number, wave: string): Job {
    const facts = task.bases.map(({ reference, snapshot }) => [reference, snapshot.platforms] as const);
    const causes: Cause[] = [
      {
        type: 'BaseImageMoved',
        reference: root.reference,
        from,
        to: root.snapshot.digest,
        seenBy: 'Webhook',
        adoptedAt: this.#now(),
        position,
        run: null,
      },
    ];
    const key = inputKey(task.name, task.hash, new Map(facts));
    const job = { task, run: this.#newRun(), key, offer: null, causes, waves: [wave], attempt: 1 };
    return { ...job, offer: this.#offer(job) };
  }

  #offer({ task, key, causes, waves }: Job): number {
    const basis = this.#position;
    const due = { task: task.name, key: key ?? '', causes, pins: pinsOf(task), sourceRevision: null, basis, waves };
    return this.#add('rebuild', task.name, 'rebuild.due', due);
  }

  #queue({ task, run, key, offer, causes, waves }: Job): void {
    this.#add('run', run, 'run.queued', {
      run,
      task: task.name,
      runType: 'AutoBuild',
      key,
      causes,
      offer,
      definition: task.definition,
      definitionHash: task.hash,
      overridden: false,
      pins: pinsOf(task),
      sourceRevision: null,
      priority: 'Base',
      waves,
      createdAt: this.#now(),
    });
  }

  #start(job: Job): void {
    const { run, attempt } = job;
    this.#add('run', run, 'run.dispatched', { run, attempt, pool: 'default' });
    const by = { builder: 'builder-1', slot: attempt % 8, engine: 'docker-buildx', isolation: 'oci' as const };
    this.#add('run', run, 'run.started', { run, attempt, ...by });
  }

  #err(job: Job): void {
    const reason = 'registry.example.com answered 503 Service Unavailable to PUT of a blob.';
    const { run, attempt, task } = job;
    this.#add('run', run, 'run.errored', { run, task: task.name, attempt, reason, retryAt: this.#now() });
    job.attempt += 1;
    this.#start(job);
  }

  #fail({ run, attempt, task }: Job): boolean {
    const reason = 'RUN npm ci: exit code 1';
    this.#add('run', run, 'run.failed', { run, task: task.name, attempt, code: 'STEP_FAILED', reason });
    return true;
  }

  #succeed(job: Job): void {
    const { run, task } = job;
    const { outputs, inputs } = this.#made(job);
    this.#add('run', run, 'run.succeeded', {
      run,
      task: task.name,
      attempt: job.attempt,
      outputs,
      inputs,
      sourceRevision: null,
      unchanged: false,
    });
    const { output } = task;
    const before = job.key === null ? null : output.snapshot.digest;
    output.version += 1;
    output.snapshot = snapshotOf(output.reference, output.version, this.#world.platforms);
    if (output.consumers.length > 0) this.#adopt(output, before, run);
  }

  #made({ task, run }: Job): { outputs: PushedImage[]; inputs: UsedInput[] } {
    const { output, bases, inputs } = task;
    const made = snapshotOf(output.reference, output.version + 1, this.#world.platforms);
    return {
      outputs: [
        { reference: output.reference, ...made },
        { reference: output.reference.replace(/:latest$/, `:${run}`), ...made },
      ],
      inputs: inputs.map(({ reference, role, via }, at) => {
        const { digest, platforms } = bases[at]!.snapshot;
        return { reference, role, via, digest, platforms };
      }),
    };
  }

  #attempt({ run, attempt }: Job) {
    return { run, attempt, sourceRevision: null };
  }

  #watch({ reference }: WorldImage): void {
    this.#add('tag', reference, 'tag.watched', { reference });
  }

  #adopt({ reference, snapshot }: WorldImage, from: string | null, run: string | null): number {
    const seenBy = run === null ? (from === null ? 'Watch' : 'Webhook') : 'Push';
    const look = { reference, seenBy, hintedAt: null } as const;
    return this.#add('tag', reference, 'tag.adopted', { ...look, from, to: snapshot, policy: 'acr', run });
  }

  #newRun(): string {
    return `r${(++this.#runs).toString(36)}`;
  }

  #now(): string {
    return new Date(1_767_225_600_000 + this.#position * 250).toISOString();
  }

  #add<T extends EventType>(kind: AggregateKind, id: string, type: T, data: EventData<T>): number {
    const time = this.#now();
    this.#position += 1;
    const event = { type, data, id: `e${this.#position}`, time, correlation: `c${this.#runs}` } as unknown as NewEvent;
    this.#out.push({ aggregate: { kind, id }, event });
    return this.#position;
  }
}

const pinsOf = ({ bases }: WorldTask): Pin[] =>
  bases.map(({ reference, snapshot: { digest, platforms } }) => ({ reference, digest, platforms }));

/** All tasks below an image. */
const affectedBy = (root: WorldImage): WorldTask[] => {
  const found = new Set<WorldTask>(root.consumers);
  for (const task of found) for (const below of task.output.consumers) found.add(below);
  return [...found];
};

const byLevel = (tasks: readonly WorldTask[]): WorldTask[][] => {
  const levels: WorldTask[][] = [];
  for (const task of tasks) (levels[task.level - 1] ??= []).push(task);
  return levels.filter((level) => level !== undefined);
};
