import type { RecordedEvent } from '#libs/event-log';
import { stableOutputs, trackedInputs, type InputKnowledge } from '#libs/domain';
import { parseReference, repositoryName } from '#libs/oci';

/** What the watch list keeps of a task; plain data, so that it can be stored. */
export interface WatchedTask extends InputKnowledge {
  readonly name: string;
}

/** An output of a successful run that somebody tracked at that moment: it is owed exactly one answer. */
export interface Obligation {
  readonly run: string;
  readonly reference: string;
  /** Digest that the run pushed. */
  readonly digest: string;
  /** The run was of what a person released as urgent, or of what came of that. */
  readonly urgent: boolean;
}

/** A run that is queued or running. */
export interface WatchedRun {
  readonly run: string;
  readonly task: string;
  readonly definitionHash: string;
  readonly overridden: boolean;
  readonly urgent: boolean;
  /** What it has built, once that is decided: a look that finds such a digest knows who pushed it. */
  readonly outputs: readonly { readonly reference: string; readonly digest: string }[];
  /** Outputs that a look has shown already, before the run said that it succeeded. */
  readonly answered: readonly string[];
}

const repositoryOf = (reference: string): string => repositoryName(parseReference(reference));

/** Where facts are kept, and looked up when they change: what is asked at each look is in memory. */
export interface WatchListStore {
  task(name: string): WatchedTask | undefined;
  saveTask(task: WatchedTask): void;
  saveRun(run: WatchedRun): void;
  dropRun(run: string): void;
  saveObligation(obligation: Obligation): void;
  dropObligation(obligation: Pick<Obligation, 'run' | 'reference'>): void;
}

interface Tracked {
  readonly tasks: Set<string>;
  /** How many tasks use it for a platform. */
  readonly platforms: Map<string, number>;
}

/**
 * Which references are watched, and which outputs are owed an answer: a function of the log. The graph waits for
 * exactly the outputs that were tracked at the position of `run.succeeded`, by the same rule.
 */
export class WatchList {
  private readonly tracked = new Map<string, Tracked>();
  /** References that are tracked, by repository. */
  private readonly repositories = new Map<string, Set<string>>();
  /** How many outputs of tasks lie in a registry. */
  private readonly pushedTo = new Map<string, number>();
  private readonly owed = new Map<string, Obligation[]>();
  private readonly runs = new Map<string, WatchedRun>();
  /** References whose watching, or whose debts, changed since they were last taken. */
  private readonly touched = new Set<string>();

  constructor(private readonly store: WatchListStore) {}

  /** How many tasks track a reference. */
  trackersOf(reference: string): number {
    return this.tracked.get(reference)?.tasks.size ?? 0;
  }

  /** Platforms for which tasks use a reference. */
  platformsOf(reference: string): string[] {
    return [...(this.tracked.get(reference)?.platforms.keys() ?? [])].sort();
  }

  /** Tracked references of the same repository, itself included. */
  sistersOf(reference: string): Iterable<string> {
    return this.repositories.get(repositoryOf(reference)) ?? [];
  }

  /** Repositories of which tags are tracked, such as `docker.io/library/node`, and how many of each. */
  *tagsByRepository(): Generator<readonly [repository: string, tags: number]> {
    for (const [repository, references] of this.repositories) yield [repository, references.size];
  }

  /** Whether a task of ours pushes to this registry. */
  pushesTo(registry: string): boolean {
    return (this.pushedTo.get(registry) ?? 0) > 0;
  }

  /** The tasks that track a reference. */
  tasksOf(reference: string): Iterable<string> {
    return this.tracked.get(reference)?.tasks ?? [];
  }

  references(): IterableIterator<string> {
    return this.tracked.keys();
  }

  owedOf(reference: string): readonly Obligation[] {
    return this.owed.get(reference) ?? [];
  }

  /** References with open obligations. */
  debts(): IterableIterator<string> {
    return this.owed.keys();
  }

  takeTouched(): string[] {
    const taken = [...this.touched];
    this.touched.clear();
    return taken;
  }

  /** The run of ours that pushed this digest to this reference, as far as that is not settled yet. */
  pusherOf(reference: string, digest: string): string | null {
    const owed = this.owedOf(reference).findLast((one) => one.digest === digest);
    if (owed) return owed.run;
    for (const { run, outputs } of this.runs.values()) {
      if (outputs.some((output) => output.reference === reference && output.digest === digest)) return run;
    }
    return null;
  }

  /** Whether what a run pushed is urgent for those that stand on it. */
  isUrgent(reference: string, run: string): boolean {
    const owed = this.owedOf(reference).find((one) => one.run === run);
    return (owed ?? this.runs.get(run))?.urgent ?? false;
  }

  owes(reference: string, run: string): boolean {
    return this.owedOf(reference).some((one) => one.run === run);
  }

  restore(tasks: Iterable<WatchedTask>, runs: Iterable<WatchedRun>, obligations: Iterable<Obligation>): void {
    for (const task of tasks) this.track(task);
    for (const run of runs) this.runs.set(run.run, run);
    for (const obligation of obligations) this.owe(obligation);
  }

  apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'task.created':
      case 'task.updated': {
        const { definition, definitionHash } = event.data;
        const before = this.store.task(definition.name);
        const fresh = event.type === 'task.created' || !before;
        const sameBuild = !fresh && before.definitionHash === definitionHash;
        if (event.type === 'task.created' && before) this.forgetRunsOf(definition.name);
        return this.change({
          name: definition.name,
          definition,
          definitionHash,
          scan: sameBuild ? before.scan : null,
          standing: fresh ? null : before.standing,
        });
      }
      case 'task.deleted': {
        const task = this.store.task(event.data.task);
        if (task) this.change({ ...task, definition: null, scan: null });
        return;
      }
      case 'task.scanned': {
        const task = this.store.task(event.data.task);
        if (!task?.definition || task.definitionHash !== event.data.definitionHash) return;
        const { status, inputs } = event.data;
        return this.change({ ...task, scan: { status, inputs, position: event.sequence } });
      }
      case 'run.queued': {
        const { run, task, definitionHash, overridden, priority } = event.data;
        const urgent = priority === 'UrgentBase';
        if (task) this.keep({ run, task, definitionHash, overridden, urgent, outputs: [], answered: [] });
        return;
      }
      case 'run.built': {
        const run = this.runs.get(event.data.run);
        const outputs = event.data.outputs.map(({ reference, digest }) => ({ reference, digest }));
        if (run) this.keep({ ...run, outputs });
        return;
      }
      case 'run.succeeded': {
        const { run, inputs, outputs } = event.data;
        const of = this.runs.get(run);
        for (const { reference, digest } of outputs) {
          if (this.trackersOf(reference) === 0 || of?.answered.includes(reference)) continue;
          const obligation = { run, reference, digest, urgent: of?.urgent ?? false };
          this.owe(obligation);
          this.store.saveObligation(obligation);
        }
        this.drop(run);
        const task = of && !of.overridden && this.store.task(of.task);
        if (task) {
          const { definitionHash } = of;
          this.change({ ...task, standing: { definitionHash, position: event.sequence, inputs } });
        }
        return;
      }
      case 'run.failed':
      case 'run.canceled':
      case 'run.timed-out':
        this.drop(event.data.run);
        return;
      case 'run.errored':
        if (event.data.retryAt === null) this.drop(event.data.run);
        return;
      case 'tag.adopted':
      case 'tag.held':
      case 'tag.confirmed':
        if (event.data.run) this.answered(event.data.reference, event.data.run);
        return;
      default:
        return;
    }
  }

  private change(task: WatchedTask): void {
    const before = this.store.task(task.name);
    if (before) this.untrack(before);
    this.track(task);
    this.store.saveTask(task);
  }

  private track(task: WatchedTask): void {
    this.countOutputs(task, 1);
    for (const [reference, platforms] of trackedInputs(task)) {
      let tracked = this.tracked.get(reference);
      if (!tracked) {
        this.tracked.set(reference, (tracked = { tasks: new Set(), platforms: new Map() }));
        const repository = repositoryOf(reference);
        this.repositories.set(repository, (this.repositories.get(repository) ?? new Set()).add(reference));
      }
      tracked.tasks.add(task.name);
      for (const platform of platforms) tracked.platforms.set(platform, (tracked.platforms.get(platform) ?? 0) + 1);
      this.touched.add(reference);
    }
  }

  private untrack(task: WatchedTask): void {
    this.countOutputs(task, -1);
    for (const [reference, platforms] of trackedInputs(task)) {
      const tracked = this.tracked.get(reference);
      tracked?.tasks.delete(task.name);
      for (const platform of platforms) {
        const others = (tracked?.platforms.get(platform) ?? 0) - 1;
        if (others > 0) tracked?.platforms.set(platform, others);
        else tracked?.platforms.delete(platform);
      }
      if (tracked?.tasks.size === 0) this.forget(reference);
      this.touched.add(reference);
    }
  }

  private forget(reference: string): void {
    this.tracked.delete(reference);
    const repository = repositoryOf(reference);
    const sisters = this.repositories.get(repository);
    sisters?.delete(reference);
    if (sisters?.size === 0) this.repositories.delete(repository);
  }

  private countOutputs({ definition }: WatchedTask, by: 1 | -1): void {
    for (const output of definition ? stableOutputs(definition) : []) {
      const { registry } = parseReference(output);
      this.pushedTo.set(registry, (this.pushedTo.get(registry) ?? 0) + by);
    }
  }

  private owe(obligation: Obligation): void {
    const { reference } = obligation;
    this.owed.set(reference, [...this.owedOf(reference), obligation]);
    this.touched.add(reference);
  }

  private keep(run: WatchedRun): void {
    this.runs.set(run.run, run);
    this.store.saveRun(run);
  }

  private drop(run: string): void {
    if (this.runs.delete(run)) this.store.dropRun(run);
  }

  /** A task of the same name that was deleted is another task: what still runs for it says nothing of this one. */
  private forgetRunsOf(task: string): void {
    for (const { run, task: of } of this.runs.values()) if (of === task) this.drop(run);
  }

  private answered(reference: string, run: string): void {
    const active = this.runs.get(run);
    if (active) this.keep({ ...active, answered: [...active.answered, reference] });
    const open = this.owedOf(reference).filter((obligation) => obligation.run !== run);
    if (open.length > 0) this.owed.set(reference, open);
    else this.owed.delete(reference);
    this.store.dropObligation({ run, reference });
  }
}
