import type { Snapshot } from '#libs/contracts';
import { trackedInputs, type InputKnowledge } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import type { Chance } from './chance.js';
import type { Agenda, SimulatedLog } from './log.js';
import type { SimulatedRegistry } from './registry.js';

interface Options {
  readonly log: SimulatedLog;
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly registry: SimulatedRegistry;
  readonly hintLoss: number;
  readonly hintDuplicates: number;
  readonly holds: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Looks at tags when hinted, when polling, and once for each tracked output of each successful run. */
export class SimulatedWatcher {
  private readonly adopted = new Map<string, Snapshot[]>();
  private readonly knowledge = new Map<string, Mutable<InputKnowledge>>();
  private readonly runs = new Map<string, { task: string; definitionHash: string; overridden: boolean }>();
  /** Outputs of runs that have built and not yet said that they succeeded, by digest. */
  private readonly building = new Map<string, string>();
  private readonly succeededRuns = new Set<string>();
  private readonly early = new Set<string>();
  private readonly answers = new Set<string>();
  private tracked = new Set<string>();
  private readonly urgent = new Set<string>();
  /** Digests of outside images that a policy holds, and for which it was said. */
  private readonly held = new Set<string>();
  private readonly released = new Set<string>();

  constructor(private readonly options: Options) {
    options.log.onEvent((event) => this.apply(event));
  }

  /** The newest adopted index that has every platform that is wanted. */
  usable(reference: string, platforms: readonly string[]): Snapshot | undefined {
    return this.adopted.get(reference)?.find((index) => platforms.every((one) => one in index.platforms));
  }

  /** The registry has another digest: a hint comes, or several, or none; polling finds it in the end. */
  hint(reference: string): void {
    const { agenda, chance, hintLoss, hintDuplicates } = this.options;
    const look = () => this.look(reference);
    if (!chance.hit('lost', hintLoss)) agenda.in(chance.between('hint', 1, 900), 2, look);
    if (chance.hit('duplicate', hintDuplicates)) agenda.in(chance.between('late hint', 1, 5_000), 2, look);
    agenda.in(chance.between('poll', 6_000, 20_000), 2, look);
  }

  /** A person will release what the image moves to next as urgent. */
  urge(reference: string): void {
    this.urgent.add(reference);
  }

  private apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'task.created':
      case 'task.updated': {
        const { definition, definitionHash } = event.data;
        const before = event.type === 'task.created' ? undefined : this.knowledge.get(definition.name);
        const standing = before?.standing ?? null;
        const scan = before?.definitionHash === definitionHash ? before.scan : null;
        if (event.type === 'task.created') this.forgetRunsOf(definition.name);
        this.knowledge.set(definition.name, { definition, definitionHash, scan, standing });
        break;
      }
      case 'task.deleted':
        this.knowledge.delete(event.data.task);
        break;
      case 'task.scanned': {
        const task = this.knowledge.get(event.data.task);
        if (task?.definitionHash !== event.data.definitionHash) return;
        task.scan = { status: event.data.status, inputs: event.data.inputs, position: event.sequence };
        break;
      }
      case 'run.queued': {
        const { run, task, definitionHash, overridden } = event.data;
        this.runs.set(run, { task: task ?? '', definitionHash, overridden });
        return;
      }
      case 'run.built':
        for (const { reference, digest } of this.runs.has(event.data.run) ? event.data.outputs : []) {
          this.building.set(`${reference} ${digest}`, event.data.run);
        }
        return;
      case 'run.succeeded':
        return this.succeeded(event);
      case 'tag.adopted':
        this.adopted.set(event.data.reference, [event.data.to, ...(this.adopted.get(event.data.reference) ?? [])]);
        return;
      default:
        return;
    }
    this.follow();
  }

  private succeeded({ data, sequence }: RecordedEvent<'run.succeeded'>): void {
    const { agenda, chance } = this.options;
    this.succeededRuns.add(data.run);
    for (const { reference } of data.outputs) {
      const answer = `${reference} ${data.run}`;
      // A look that came before this answered it already.
      if (!this.tracked.has(reference) || this.early.has(answer)) continue;
      this.answers.add(answer);
      agenda.in(chance.between('answer', 1, 3_000), 2, () => {
        if (this.answers.delete(answer)) this.answer(reference, data.run);
      });
    }
    const run = this.runs.get(data.run);
    const task = run && this.knowledge.get(run.task);
    if (run && task && !run.overridden) {
      const { definitionHash } = run;
      task.standing = { definitionHash, position: sequence, inputs: data.inputs };
      this.follow();
    }
  }

  /** What runs for a task that was deleted is no run of its namesake, and no look is in its name. */
  private forgetRunsOf(task: string): void {
    for (const [run, of] of this.runs) if (of.task === task) this.runs.delete(run);
    for (const [pushed, run] of this.building) if (!this.runs.has(run)) this.building.delete(pushed);
  }

  /** The watch list follows the graph. */
  private follow(): void {
    const { agenda, chance } = this.options;
    const tracked = new Set([...this.knowledge.values()].flatMap((task) => [...trackedInputs(task).keys()]));
    for (const reference of tracked) {
      if (!this.tracked.has(reference)) agenda.in(chance.between('first look', 1, 900), 2, () => this.look(reference));
    }
    for (const answer of this.answers) if (!tracked.has(answer.split(' ')[0]!)) this.answers.delete(answer);
    this.tracked = tracked;
  }

  private look(reference: string): void {
    const now = this.options.registry.get(reference);
    if (!now || !this.tracked.has(reference) || this.digest(reference) === now.digest) return;
    const run = this.building.get(`${reference} ${now.digest}`);
    if (!run && this.holds(reference, now)) return;
    if (!run || this.succeededRuns.has(run)) return this.adopt(reference, now, null);
    this.early.add(`${reference} ${run}`);
    this.adopt(reference, now, run);
  }

  /** Policy holds some of what comes from outside for a while; it is adopted later, if it is there still. */
  private holds(reference: string, candidate: Snapshot): boolean {
    const { agenda, chance, holds, log } = this.options;
    const one = `${reference} ${candidate.digest}`;
    if (this.held.has(one)) return !this.released.has(one);
    if (!this.adopted.has(reference) || !chance.hit('held outside', holds)) return false;
    this.held.add(one);
    const look = { reference, seenBy: 'Webhook' as const, hintedAt: null };
    log.append({ kind: 'tag', id: reference }, 'tag.held', { ...look, candidate, reason: 'minimum age', run: null });
    agenda.in(chance.between('released outside', 1_000, 60_000), 2, () => {
      this.released.add(one);
      this.look(reference);
    });
    return true;
  }

  private answer(reference: string, run: string): void {
    const { agenda, chance, holds, log, registry } = this.options;
    const now = registry.get(reference);
    if (!now || this.digest(reference) === now.digest) {
      log.append({ kind: 'tag', id: reference }, 'tag.confirmed', { reference, digest: now?.digest ?? null, run });
    } else if (chance.hit('held', holds)) {
      log.append({ kind: 'tag', id: reference }, 'tag.held', {
        reference,
        seenBy: 'Push',
        hintedAt: null,
        candidate: now,
        reason: 'minimum age',
        run,
      });
      agenda.in(chance.between('released', 1_000, 30_000), 2, () => this.look(reference));
    } else this.adopt(reference, now, run);
  }

  private adopt(reference: string, to: Snapshot, run: string | null): void {
    const from = this.digest(reference);
    this.options.log.append({ kind: 'tag', id: reference }, 'tag.adopted', {
      reference,
      seenBy: run ? 'Push' : 'Webhook',
      hintedAt: null,
      from,
      to,
      policy: 'acr',
      run,
      ...(run === null && this.urgent.delete(reference) ? { urgent: true } : {}),
    });
  }

  private digest(reference: string): string | null {
    return this.adopted.get(reference)?.[0]?.digest ?? null;
  }
}
