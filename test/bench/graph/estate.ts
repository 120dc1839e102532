import {
  taskDefinitionSchema,
  type AggregateKind,
  type EventData,
  type EventType,
  type Snapshot,
  type TaskDefinition,
  type UsedInput,
} from '#libs/contracts';
import { definitionHash } from '#libs/domain';
import type { NewEvent } from '#libs/event-log';
import type { HistoryEvent } from '../history/history.js';
import { randomFrom, snapshotOf } from '../history/world.js';

const platforms = ['linux/amd64'];
const rootName = (at: number): string => `docker.io/library/base-${at}:stable`;

interface Arrays {
  readonly offsets: Uint32Array;
  readonly below: Uint32Array;
}

/** Share of all tasks that stand on the base, at any depth. */
const shareOnBase = 0.3;
/** Images that each task stands on. */
const inputsEach = 5;

/**
 * A large estate, each task of which is built once: a level after the other, `depth` of them. A task stands on one image
 * of the level above it and on four others further up, the nearer to the front of a level the likelier. Three tenths
 * stand on one base in the end, the others do not.
 */
export class Estate implements Iterable<HistoryEvent> {
  readonly base = rootName(0);
  readonly edges: number;
  /** Tasks that stand on the base, at any depth. */
  readonly onBase: number;
  private readonly random = randomFrom(7);
  private readonly perLevel: number;
  private readonly snapshots = new Map<string, Snapshot>();
  private position = 0;
  private arrays: Arrays | undefined;

  constructor(
    readonly tasks: number,
    readonly depth = 12,
    readonly roots = 1000,
  ) {
    this.edges = tasks * inputsEach;
    this.perLevel = Math.ceil(tasks / depth);
    this.onBase = Array.from({ length: tasks }, (_, at) => at).filter((at) => this.isOnBase(at)).length;
  }

  get shape(): string {
    const { tasks, edges, depth, roots, onBase } = this;
    return `${tasks} tasks and ${roots} outside images, ${edges} edges, depth ${depth}; ${onBase} tasks stand on ${this.base}`;
  }

  *[Symbol.iterator](): Generator<HistoryEvent> {
    for (let at = 0; at < this.roots; at += 1) yield this.adopted(rootName(at), null);
    for (let at = 0; at < this.tasks; at += 1) yield* this.built(at);
  }

  /** One image of the estate that a task used is another one from now on. */
  otherInput(at: number): NewEvent<'task.scanned'> {
    const definition = this.definition(at);
    const inputs = this.inputs(at);
    const other = rootName(1 + Math.floor(this.random() * (this.roots - 1)));
    return this.event('task.scanned', {
      task: definition.name,
      definitionHash: definitionHash(definition),
      sourceRevision: null,
      status: 'Known',
      reason: null,
      inputs: [other, ...inputs.slice(1)].map((reference, line) => ({
        reference,
        role: 'base',
        via: 'direct',
        stage: null,
        line,
        platforms,
        pinned: false,
      })),
    });
  }

  /** The base has another digest. */
  moved(): HistoryEvent {
    return this.adopted(this.base, null);
  }

  /** Megabytes of the edges alone, from both ends, with four bytes for each end. */
  get arraysMb(): number {
    return ((this.edges + this.tasks) * 2 * 4) / 1e6;
  }

  /** Milliseconds that it takes to find what stands on the base, in arrays that are there already. */
  walk(): number {
    const { offsets, below } = (this.arrays ??= this.adjacency());
    const began = performance.now();
    const seen = new Uint8Array(offsets.length);
    const open = new Uint32Array(offsets.length);
    let count = 1;
    open[0] = 0;
    for (let at = 0; at < count; at += 1) {
      const node = open[at]!;
      for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge += 1) {
        const next = below[edge]!;
        if (seen[next] === 1) continue;
        seen[next] = 1;
        open[count++] = next;
      }
    }
    if (count - 1 !== this.onBase) throw new Error(`The walk found ${count - 1} tasks, not ${this.onBase}.`);
    return performance.now() - began;
  }

  /** Node 0 is the base; task n is node n + 1. Edges to other outside images are left out: nothing leads there. */
  private adjacency(): Arrays {
    const numbers = new Map([[this.base, 0]]);
    for (let at = 0; at < this.tasks; at += 1) numbers.set(outputOf(at), at + 1);
    const offsets = new Uint32Array(this.tasks + 2);
    const edges: [number, number][] = [];
    for (let at = 0; at < this.tasks; at += 1) {
      for (const input of this.inputs(at)) {
        const from = numbers.get(input);
        if (from !== undefined) edges.push([from, at + 1]);
      }
    }
    for (const [from] of edges) offsets[from + 1]! += 1;
    for (let at = 1; at < offsets.length; at += 1) offsets[at]! += offsets[at - 1]!;
    const next = offsets.slice();
    const below = new Uint32Array(edges.length);
    for (const [from, to] of edges) below[next[from]!++] = to;
    return { offsets, below };
  }

  private *built(at: number): Generator<HistoryEvent> {
    const definition = this.definition(at);
    const hash = definitionHash(definition);
    const { name, team } = definition;
    const run = `r${at.toString(36)}`;
    const output = outputOf(at);
    const inputs = this.inputs(at).map((reference, index): UsedInput => {
      const { digest, platforms: digests } = this.snapshots.get(reference)!;
      return { reference, role: index === 0 ? 'base' : 'copy', via: 'direct', digest, platforms: digests };
    });
    const snapshot = snapshotOf(output, 1, platforms);
    yield this.of('task', name, this.event('task.created', { definition, definitionHash: hash, by: team }));
    const queued = this.event('run.queued', {
      run,
      task: name,
      runType: 'AutoBuild',
      key: null,
      causes: [{ type: 'Manual', by: 'ada', at: this.now() }],
      offer: null,
      definition,
      definitionHash: hash,
      overridden: false,
      pins: [],
      sourceRevision: null,
      priority: 'Interactive',
      waves: [],
      createdAt: this.now(),
    });
    yield this.of('run', run, queued);
    const started = { builder: 'builder-1', slot: 0, engine: 'docker-buildx', isolation: 'oci' } as const;
    yield this.of('run', run, this.event('run.started', { run, attempt: 1, ...started }));
    const end = { run, task: name, attempt: 1, inputs, outputs: [{ reference: output, ...snapshot }] };
    yield this.of('run', run, this.event('run.succeeded', { ...end, sourceRevision: null, unchanged: false }));
    yield this.adopted(output, run);
  }

  private adopted(reference: string, run: string | null): HistoryEvent {
    const before = this.snapshots.get(reference);
    const to = snapshotOf(reference, before ? 2 : 1, platforms);
    this.snapshots.set(reference, to);
    const look = { reference, seenBy: run === null ? 'Watch' : 'Push', hintedAt: null } as const;
    return this.of(
      'tag',
      reference,
      this.event('tag.adopted', { ...look, from: before?.digest ?? null, to, policy: 'acr', run }),
    );
  }

  private definition(at: number): TaskDefinition {
    const team = `team-${at % 40}`;
    return taskDefinitionSchema.parse({
      name: `app-${at}`,
      team,
      platforms,
      step: {
        type: 'Docker',
        contextPath: `https://git.example.com/${team}/app-${at}.git#main`,
        imageNames: [outputOf(at)],
      },
      trigger: { baseImageTrigger: { baseImageTriggerType: 'All', status: 'Enabled' } },
    });
  }

  private isOnBase(at: number): boolean {
    return at % this.perLevel < this.perLevel * shareOnBase;
  }

  /** The same each time that it is asked. */
  private inputs(at: number): string[] {
    const random = randomFrom(at + 1);
    const level = Math.floor(at / this.perLevel);
    const isOnBase = this.isOnBase(at);
    const inputs = new Set<string>();
    const above = (from: number, onBase: boolean): string => {
      if (from < 0) return rootName(1 + Math.floor((this.roots - 1) * random() ** 2));
      const split = Math.ceil(this.perLevel * shareOnBase);
      const within = onBase ? split : this.perLevel - split;
      const place = Math.floor(within * random() ** 3);
      return outputOf(from * this.perLevel + (onBase ? place : split + place));
    };
    inputs.add(isOnBase && level === 0 ? this.base : above(level - 1, isOnBase));
    while (inputs.size < inputsEach)
      inputs.add(above(Math.floor(random() * (level + 1)) - 1, isOnBase && random() < 0.5));
    return [...inputs];
  }

  private now(): string {
    return new Date(1_767_225_600_000 + this.position * 20).toISOString();
  }

  private event<T extends EventType>(type: T, data: EventData<T>): NewEvent<T> {
    this.position += 1;
    return { type, data, id: `e${this.position}`, time: this.now() } as unknown as NewEvent<T>;
  }

  private of(kind: AggregateKind, id: string, event: NewEvent): HistoryEvent {
    return { aggregate: { kind, id }, event };
  }
}

const outputOf = (at: number): string => `registry.example.com/team-${at % 40}/app-${at}:latest`;
