import type { Digests, Entry, Urgency } from './history.js';

interface Run {
  readonly run: string;
  readonly builds: string;
  readonly overridden: boolean;
  readonly offer: number | null;
  /** What it was asked for, as the judge names it. */
  readonly key: string | null;
  started: boolean;
  /** No builder is there for it. */
  unplaced: boolean;
  /** Outputs that were answered before the success was in the log. */
  readonly answered: Set<string>;
}

export interface TaskFacts {
  readonly name: string;
  live: boolean;
  builds: string;
  enabled: boolean;
  tracks: 'Runtime' | 'All' | 'Nothing';
  triggerEnabled: boolean;
  outputs: readonly string[];
  scan: { readonly inputs: readonly Input[] | null; readonly position: number } | null;
  standing: { readonly builds: string; readonly position: number; readonly inputs: readonly Used[] } | null;
  runs: Map<string, Run>;
  /** Outputs of the last successful run that were tracked then and have no answer. */
  unanswered: { readonly run: string; readonly references: Set<string> } | null;
  failures: {
    readonly key: string;
    readonly count: number;
    readonly tryGranted: boolean;
    /** When the last one failed, in virtual milliseconds. */
    readonly at: number;
  } | null;
  circuit: string | null;
  declined: string | null;
}

interface Input {
  readonly reference: string;
  readonly role: string;
  readonly platforms: readonly string[];
}

interface Used {
  readonly reference: string;
  readonly role: string;
  readonly platforms: Digests;
}

interface Adopted {
  readonly digest: string;
  readonly platforms: Digests;
  readonly at: number;
  readonly urgent: boolean;
}

/** What is true of a task at a position, by the text. */
export interface Verdict {
  readonly stale: boolean;
  readonly automatic: boolean;
  readonly pending: boolean;
  readonly unsettled: boolean;
  /** An upstream task is pending. */
  readonly held: boolean;
  /** A run has started. */
  readonly running: boolean;
  /** A person's run is queued. */
  readonly askedFor: boolean;
  readonly key: string;
  /** Class of what it would be rebuilt for. */
  readonly urgency: Urgency;
  /** Times of the last adoption of each outside root of its tracked chain. */
  readonly roots: readonly number[];
  /** Digests of its tracked inputs as they are adopted for its platforms. */
  readonly inputs: ReadonlyMap<string, Digests>;
}

/** The facts of a history up to a position, and what follows from them: computed anew, by recursion, each time. */
export class Facts {
  readonly tasks = new Map<string, TaskFacts>();
  private readonly adoptions = new Map<string, Adopted[]>();
  private readonly owners = new Map<string, TaskFacts>();
  /** The judge's name for what the system names by its own key. */
  readonly named = new Map<string, string>();

  /** @param keyOfOffer what the offer at a position was made for, as the judge names it */
  apply(entry: Entry, keyOfOffer: (position: number) => string | null): void {
    switch (entry.kind) {
      case 'defined': {
        let task = this.tasks.get(entry.task);
        if (!task || entry.created) {
          // Whatever ran for a deleted task of that name does not count for this one.
          for (const run of task?.runs.keys() ?? []) this.owners.delete(run);
          this.tasks.set(entry.task, (task = blank(entry.task)));
        }
        if (task.builds !== entry.builds) Object.assign(task, { scan: null, circuit: null, failures: null });
        const { builds, enabled, tracks, triggerEnabled, outputs } = entry;
        Object.assign(task, { live: true, builds, enabled, tracks, triggerEnabled, outputs });
        break;
      }
      case 'deleted':
        Object.assign(this.tasks.get(entry.task)!, { live: false, outputs: [], scan: null });
        break;
      case 'scanned': {
        const task = this.tasks.get(entry.task);
        // "A scan's result is dropped unless it is for the current definition."
        if (task?.live && task.builds === entry.builds) task.scan = { inputs: entry.inputs, position: entry.position };
        break;
      }
      case 'adopted': {
        const list = this.adoptions.get(entry.reference) ?? [];
        this.adoptions.set(entry.reference, list);
        const { digest, platforms, at, urgent } = entry;
        list.unshift({ digest, platforms, at, urgent });
        if (entry.run) this.answer(entry.reference, entry.run);
        break;
      }
      case 'answered':
        this.answer(entry.reference, entry.run);
        break;
      case 'queued': {
        const task = this.tasks.get(entry.task)!;
        const { run, builds, overridden, offer } = entry;
        const key = offer === null ? null : keyOfOffer(offer);
        task.runs.set(run, {
          run,
          builds,
          overridden,
          offer,
          key,
          started: false,
          unplaced: false,
          answered: new Set(),
        });
        this.owners.set(run, task);
        break;
      }
      case 'unplaced':
      case 'dispatched':
      case 'started': {
        const run = this.run(entry.run);
        if (run) run.unplaced = entry.kind === 'unplaced';
        if (run && entry.kind === 'started') run.started = true;
        break;
      }
      case 'succeeded': {
        const [task, run] = this.ended(entry.run);
        if (!task || !run) break;
        Object.assign(task, { failures: null, circuit: null, declined: null });
        const references = new Set(
          entry.outputs.filter((reference) => this.isTracked(reference) && !run.answered.has(reference)),
        );
        task.unanswered = { run: entry.run, references };
        // "A run by hand with overrides is never the standing run."
        if (!run.overridden) {
          task.standing = { builds: run.builds, position: entry.position, inputs: entry.inputs };
        }
        break;
      }
      case 'failed': {
        const [task, run] = this.ended(entry.run);
        if (!task || !run || run.key === null) break;
        const count = task.failures?.key === run.key ? task.failures.count + 1 : 1;
        task.failures = { key: run.key, count, tryGranted: false, at: entry.at };
        break;
      }
      case 'canceled': {
        const [task, run] = this.ended(entry.run);
        if (task && run?.key && entry.byPerson) task.declined = run.key;
        break;
      }
      case 'circuit-opened': {
        const task = this.tasks.get(entry.task)!;
        task.circuit = this.named.get(entry.key) ?? null;
        break;
      }
      case 'circuit-closed': {
        const task = this.tasks.get(entry.task)!;
        task.circuit = null;
        task.declined = null;
        if (entry.why !== 'HalfOpen') task.failures = null;
        else if (task.failures) task.failures = { ...task.failures, tryGranted: true };
        break;
      }
      default:
        break;
    }
    // "Only outputs that some task tracks are watched and waited for."
    for (const task of this.tasks.values()) {
      for (const reference of task.unanswered?.references ?? []) {
        if (!this.isTracked(reference)) task.unanswered?.references.delete(reference);
      }
    }
  }

  run(id: string): Run | undefined {
    return this.owners.get(id)?.runs.get(id);
  }

  taskOf(run: string): string | undefined {
    return this.owners.get(run)?.name;
  }

  /** Every live task, judged by the definitions of the text. */
  judge(): Map<string, Verdict> {
    const live = [...this.tasks.values()].filter((task) => task.live);
    const tracked = new Map(live.map((task) => [task, this.trackedOf(task)]));
    const pushes = (task: TaskFacts, reference: string) => task.outputs.includes(reference);
    const ups = new Map(
      live.map((task) => [
        task,
        live.filter((other) => [...tracked.get(task)!.keys()].some((reference) => pushes(other, reference))),
      ]),
    );
    const above = new Map(live.map((task) => [task, closure(task, ups)]));
    const sameLoop = (a: TaskFacts, b: TaskFacts) => (a === b ? true : above.get(a)!.has(b) && above.get(b)!.has(a));
    // "Edges inside a strongly connected component neither trigger nor hold."
    const holders = (task: TaskFacts) => ups.get(task)!.filter((up) => !sameLoop(up, task));
    const triggers = (task: TaskFacts) =>
      [...tracked.get(task)!].filter(
        ([reference]) => !live.some((other) => pushes(other, reference) && sameLoop(other, task)),
      );

    const inputsOf = (task: TaskFacts): Map<string, Digests> => {
      const inputs = new Map<string, Digests>();
      for (const [reference, platforms] of triggers(task)) {
        // "If a wanted child is missing, that task stays on the last index that has them all."
        const whole = this.adoptions
          .get(reference)
          ?.find((index) => [...platforms].every((one) => one in index.platforms));
        if (whole) inputs.set(reference, Object.fromEntries([...platforms].map((one) => [one, whole.platforms[one]!])));
      }
      return inputs;
    };
    const inputs = new Map(live.map((task) => [task, inputsOf(task)]));
    const urgencyOf = (task: TaskFacts): Urgency => {
      if (task.standing?.builds !== task.builds) return 'SourceChange';
      const urgent = [...inputs.get(task)!].some(([reference, digests]) => {
        const adopted = this.adoptions.get(reference)!.find((index) => includes(index.platforms, digests));
        return adopted?.urgent && differs(new Map([[reference, digests]]), task.standing!.inputs);
      });
      return urgent ? 'UrgentBase' : 'Base';
    };
    const keys = new Map(live.map((task) => [task, keyFrom(task, inputs.get(task)!)]));
    const isStale = (task: TaskFacts) => {
      const { standing } = task;
      if (!standing) return false;
      return standing.builds !== task.builds || differs(inputs.get(task)!, standing.inputs);
    };
    const isAutomatic = (task: TaskFacts) => {
      if (!task.standing || !task.enabled || task.tracks === 'Nothing' || !task.triggerEnabled) return false;
      const failed = task.failures && task.failures.count >= 3 && !task.failures.tryGranted ? task.failures.key : null;
      const key = keys.get(task)!;
      return task.circuit !== key && task.declined !== key && failed !== key;
    };

    const pending = new Map<TaskFacts, boolean>();
    const isPending = (task: TaskFacts): boolean => {
      const known = pending.get(task);
      if (known !== undefined) return known;
      // "Only work that the system will do by itself holds others": not a task without a builder.
      const goesOn = task.runs.size === 0 || [...task.runs.values()].some((run) => !run.unplaced);
      const is =
        (task.unanswered?.references.size ?? 0) > 0 ||
        (goesOn && (task.runs.size > 0 || (isAutomatic(task) && (isStale(task) || holders(task).some(isPending)))));
      pending.set(task, is);
      return is;
    };
    const unsettled = new Map<TaskFacts, boolean>();
    const isUnsettled = (task: TaskFacts): boolean => {
      const known = unsettled.get(task);
      if (known !== undefined) return known;
      const is = isStale(task) || isPending(task) || holders(task).some(isUnsettled);
      unsettled.set(task, is);
      return is;
    };
    const rootsOf = (task: TaskFacts): number[] => {
      const roots = new Map<string, number>();
      const seen = new Set<TaskFacts>();
      const visit = (here: TaskFacts) => {
        if (seen.has(here)) return;
        seen.add(here);
        for (const reference of tracked.get(here)!.keys()) {
          if (!live.some((other) => pushes(other, reference))) {
            roots.set(reference, this.adoptions.get(reference)?.[0]?.at ?? 0);
          }
        }
        for (const up of holders(here)) visit(up);
      };
      visit(task);
      return [...roots.values()];
    };
    return new Map(
      live.map((task) => [
        task.name,
        {
          stale: isStale(task),
          automatic: isAutomatic(task),
          pending: isPending(task),
          unsettled: isUnsettled(task),
          held: holders(task).some(isPending),
          running: [...task.runs.values()].some((run) => run.started),
          askedFor: [...task.runs.values()].some((run) => run.offer === null),
          key: keys.get(task)!,
          urgency: urgencyOf(task),
          roots: rootsOf(task),
          inputs: inputs.get(task)!,
        },
      ]),
    );
  }

  /** "A disabled trigger still tracks", Runtime the base of the final stage, All everything but the frontend. */
  private trackedOf(task: TaskFacts): Map<string, Set<string>> {
    const tracked = new Map<string, Set<string>>();
    if (!task.live || task.tracks === 'Nothing') return tracked;
    for (const { reference, role, platforms } of known(task)) {
      if (reference.includes('@') || (task.tracks === 'All' ? role === 'frontend' : role !== 'base')) continue;
      const wanted = tracked.get(reference) ?? new Set();
      for (const platform of platforms) wanted.add(platform);
      tracked.set(reference, wanted);
    }
    return tracked;
  }

  private isTracked(reference: string): boolean {
    for (const task of this.tasks.values()) if (this.trackedOf(task).has(reference)) return true;
    return false;
  }

  private answer(reference: string, run: string): void {
    this.run(run)?.answered.add(reference);
    for (const task of this.tasks.values()) {
      if (task.unanswered?.run === run) task.unanswered.references.delete(reference);
    }
  }

  private ended(id: string): [TaskFacts, Run] | [undefined, undefined] {
    const task = this.owners.get(id);
    const run = task?.runs.get(id);
    if (!task || !run) return [undefined, undefined];
    task.runs.delete(id);
    this.owners.delete(id);
    return [task, run];
  }
}

/** The newest that is known of the current definition, else what the standing run used. */
const known = ({ builds, scan, standing }: TaskFacts): readonly Input[] => {
  const used = (standing?.inputs ?? []).map((one) => ({ ...one, platforms: Object.keys(one.platforms) }));
  if (!scan?.inputs) return used;
  return standing?.builds === builds && standing.position > scan.position ? used : scan.inputs;
};

/** "The adopted digest of a tracked input, for one of its platforms, differs from the one that its standing run used." */
const differs = (now: ReadonlyMap<string, Digests>, then: readonly Used[]): boolean => {
  for (const [reference, digests] of now) {
    for (const used of then) {
      if (used.reference !== reference) continue;
      for (const [platform, digest] of Object.entries(digests)) {
        // Tracking more makes nothing stale by itself: what the standing run did not use has no other digest.
        if (platform in used.platforms && used.platforms[platform] !== digest) return true;
      }
    }
  }
  return false;
};

const includes = (all: Digests, some: Digests): boolean =>
  Object.entries(some).every(([platform, digest]) => all[platform] === digest);

const closure = (task: TaskFacts, ups: ReadonlyMap<TaskFacts, readonly TaskFacts[]>): Set<TaskFacts> => {
  const reached = new Set<TaskFacts>();
  const visit = (here: TaskFacts) => {
    for (const up of ups.get(here)!) {
      if (reached.has(up)) continue;
      reached.add(up);
      visit(up);
    }
  };
  visit(task);
  return reached;
};

/** "The hash of the task and these tracked facts as they are now"; the judge keeps the text itself. */
const keyFrom = (task: TaskFacts, inputs: ReadonlyMap<string, Digests>): string =>
  JSON.stringify([
    task.name,
    task.builds,
    [...inputs].map(([reference, digests]) => [reference, Object.entries(digests).sort(byFirst)]).sort(byFirst),
  ]);

const byFirst = ([a]: readonly unknown[], [b]: readonly unknown[]) => (String(a) < String(b) ? -1 : 1);

const blank = (name: string): TaskFacts => ({
  name,
  live: true,
  builds: '',
  enabled: false,
  tracks: 'Nothing',
  triggerEnabled: false,
  outputs: [],
  scan: null,
  standing: null,
  runs: new Map(),
  unanswered: null,
  failures: null,
  circuit: null,
  declined: null,
});
