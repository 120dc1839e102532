import Database from 'better-sqlite3';
import {
  taskDefinitionSchema,
  type Cause,
  type EventData,
  type EventType,
  type SeenBy,
  type TaskDefinition,
} from '#libs/contracts';
import { definitionHash } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import { defaultPatience } from '../model/evaluate.js';
import type { TaskNode } from '../model/nodes.js';
import { GraphProjection } from '../projection/graph-projection.js';
import { reasonsOf, stateOf } from '../answers/state.js';
import { detectCauses } from '../reasons/index.js';

export const amd64 = 'linux/amd64';
export const ref = (name: string): string => `registry.test/${name}:1`;
export const digestOf = (text: string): string =>
  `sha256:${Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64)}`;
export const snapshotOf = (text: string) => ({
  digest: digestOf(text),
  mediaType: 'application/vnd.oci.image.index.v1+json',
  platforms: { [amd64]: digestOf(`${text}!`) },
});

type Change = Partial<Omit<TaskDefinition, 'step'>> & { readonly step?: Partial<TaskDefinition['step']> };

/** The stored graph, told event by event in the words of a story; a second passes between two events. */
export class Story {
  readonly graph = new GraphProjection();
  readonly db = new Database(':memory:');
  private sequence = 0;
  private readonly definitions = new Map<string, TaskDefinition>();
  /** What each tag shows. */
  private readonly tags = new Map<string, string>();

  constructor() {
    this.db.exec(this.graph.schema);
    this.graph.open(this.db);
  }

  get now(): number {
    return Date.UTC(2026, 10, 23, 14, 0, this.sequence);
  }

  add<T extends EventType>(type: T, data: EventData<T>): number {
    this.sequence += 1;
    const event = {
      sequence: this.sequence,
      type,
      data,
      aggregate: { kind: 'task', id: 'any' },
      id: `e${this.sequence}`,
      time: new Date(this.now).toISOString(),
      causation: null,
      correlation: null,
      traceparent: null,
    } as RecordedEvent;
    this.db.transaction(() => {
      this.graph.apply(event);
      this.graph.flush();
    })();
    return this.sequence;
  }

  task(name: string): TaskNode {
    return this.graph.model.task(name);
  }

  /** A new task that pushes `ref(name)` and stands on these images. */
  create(name: string, on: readonly string[], change: Change = {}): this {
    return this.define('task.created', name, on, change);
  }

  update(name: string, change: Change): this {
    return this.define('task.updated', name, null, change);
  }

  private define(
    type: 'task.created' | 'task.updated',
    name: string,
    on: readonly string[] | null,
    change: Change,
  ): this {
    const before = this.definitions.get(name);
    const step = { type: 'Docker', contextPath: 'https://git.test/a.git', imageNames: [ref(name)], ...before?.step };
    const definition = taskDefinitionSchema.parse({
      name,
      team: 'web',
      platforms: [amd64],
      ...before,
      ...change,
      step: { ...step, ...change.step },
    });
    this.definitions.set(name, definition);
    this.add(type, { definition, definitionHash: definitionHash(definition), by: 'ada' });
    if (on) this.scan(name, on);
    return this;
  }

  scan(name: string, on: readonly string[], reason: string | null = null): this {
    const inputs = on.map((one, line) => ({
      reference: ref(one),
      role: 'base' as const,
      via: 'direct' as const,
      stage: null,
      line,
      platforms: [amd64],
      pinned: false,
    }));
    this.add('task.scanned', {
      task: name,
      definitionHash: definitionHash(this.definitions.get(name)!),
      sourceRevision: null,
      status: reason === null ? 'Known' : 'Unknown',
      reason,
      inputs,
    });
    return this;
  }

  /** A tag has another digest, and policy lets it be used. */
  adopt(name: string, text: string, seenBy: SeenBy = 'Webhook', run: string | null = null): this {
    const reference = ref(name);
    const from = this.tags.get(reference) ?? null;
    const to = snapshotOf(text);
    this.tags.set(reference, to.digest);
    this.add('tag.adopted', { reference, seenBy, hintedAt: null, from, to, policy: 'acr', run });
    return this;
  }

  /** A run is queued for what makes the task stale now, or by hand when nothing does. */
  queue(name: string, run: string, offer: number | null = null): this {
    const causes: Cause[] = detectCauses(this.task(name), this.graph.model.images);
    const manual = { type: 'Manual', by: 'ada', at: new Date(this.now).toISOString() } as const;
    const definition = this.definitions.get(name)!;
    this.add('run.queued', {
      run,
      task: name,
      runType: 'AutoBuild',
      key: offer === null ? null : `key of ${name}`,
      causes: causes.length > 0 ? causes : [manual],
      offer,
      definition,
      definitionHash: definitionHash(definition),
      overridden: false,
      pins: [],
      sourceRevision: null,
      priority: 'Base',
      waves: [...this.task(name).waves],
      createdAt: new Date(this.now).toISOString(),
    });
    return this;
  }

  start(run: string): this {
    this.add('run.started', { run, attempt: 1, builder: 'b', slot: 0, engine: 'docker', isolation: 'oci' });
    return this;
  }

  /** No builder serves the pool of the run. */
  unplaced(run: string): this {
    this.add('run.unplaced', { run, task: null, pool: 'default' });
    return this;
  }

  fail(name: string, run: string): this {
    this.add('run.failed', { run, task: name, attempt: 1, code: 'STEP_FAILED', reason: 'RUN make: exit code 2' });
    return this;
  }

  /** The run has pushed an image of this text; somebody may still have to answer it. */
  succeed(name: string, run: string, text: string, unchanged = false): this {
    const inputs = [...this.task(name).tracked.keys()].map((reference) => {
      const adopted = this.graph.model.image(reference).adoptions[0]?.snapshot ?? snapshotOf('never seen');
      return {
        reference,
        role: 'base' as const,
        via: 'direct' as const,
        digest: adopted.digest,
        platforms: adopted.platforms,
      };
    });
    this.add('run.succeeded', {
      run,
      task: name,
      attempt: 1,
      inputs,
      sourceRevision: null,
      unchanged,
      outputs: [{ reference: ref(name), ...snapshotOf(text) }],
    });
    return this;
  }

  /** From nothing to a built image, whose output is answered where somebody waits for it. */
  build(name: string, run: string, text: string): this {
    this.queue(name, run).start(run).succeed(name, run, text);
    if (this.task(name).unanswered) this.adopt(name, text, 'Push', run);
    return this;
  }

  state(name: string): string {
    return stateOf(this.task(name));
  }

  /** Why a task is in its state, as people read it. */
  reasons(name: string): string[] {
    const { model } = this.graph;
    return reasonsOf(this.task(name), model.images, this.now, defaultPatience).map(({ text }) => text);
  }
}
