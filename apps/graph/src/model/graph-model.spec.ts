import { describe, expect, it } from 'vitest';
import type { EventData, EventType, TaskDefinition } from '#libs/contracts';
import { taskDefinitionSchema } from '#libs/contracts';
import { definitionHash } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import { evaluate } from './evaluate.js';
import { GraphModel } from './graph-model.js';

const amd64 = 'linux/amd64';
const digest = (text: string) => `sha256:${Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64)}`;
const ref = (name: string) => `registry.test/${name}:1`;
const snapshot = (version: string, platforms = [amd64]) => ({
  digest: digest(`index ${version} ${platforms.join()}`),
  mediaType: 'application/vnd.oci.image.index.v1+json',
  platforms: Object.fromEntries(platforms.map((platform) => [platform, digest(`${platform} ${version}`)])),
});

/** A graph and its log, in the words of the story. */
class Story {
  readonly model = new GraphModel();
  private sequence = 0;
  now = 0;

  add<T extends EventType>(type: T, data: EventData<T>): number {
    this.sequence += 1;
    const aggregate = { kind: 'task', id: 'any' } as const;
    const rest = { id: `e${this.sequence}`, causation: null, correlation: null, traceparent: null };
    const time = new Date(this.now).toISOString();
    this.model.apply({ sequence: this.sequence, type, aggregate, time, data, ...rest } as RecordedEvent);
    return this.sequence;
  }

  /** A task that builds `ref(name)` on these references, and has been built once. */
  task(name: string, ...on: string[]): this {
    this.define(name, 'task.created', on);
    this.run(name, `${name}-first`, on);
    return this;
  }

  define(name: string, type: 'task.created' | 'task.updated', on: string[], revision = '1'): this {
    const definition = definitionOf(name, revision);
    const hash = definitionHash(definition);
    this.add(type, { definition, definitionHash: hash, by: 'ada' });
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
      definitionHash: hash,
      sourceRevision: null,
      status: 'Known',
      reason: null,
      inputs,
    });
    return this;
  }

  queue(name: string, run: string, offer: number | null = null, key: string | null = null): this {
    const definition = this.model.task(name).definition!;
    this.add('run.queued', {
      run,
      task: name,
      runType: 'AutoBuild',
      key,
      offer,
      definition,
      definitionHash: definitionHash(definition),
      causes: [{ type: 'Manual', by: 'ada', at: '2026-01-01T00:00:00Z' }],
      overridden: false,
      pins: [],
      sourceRevision: null,
      priority: 'Base',
      waves: [],
      createdAt: '2026-01-01T00:00:00Z',
    });
    return this;
  }

  succeed(name: string, run: string, on: string[]): this {
    const inputs = on.map((one) => {
      const now = this.model.image(ref(one)).adoptions[0]?.snapshot ?? snapshot('none');
      return {
        reference: ref(one),
        role: 'base' as const,
        via: 'direct' as const,
        digest: now.digest,
        platforms: now.platforms,
      };
    });
    const outputs = [{ reference: ref(name), ...snapshot(run) }];
    this.add('run.succeeded', { run, task: name, attempt: 1, inputs, outputs, sourceRevision: null, unchanged: false });
    return this;
  }

  run(name: string, run: string, on: string[]): this {
    return this.queue(name, run).succeed(name, run, on);
  }

  adopt(name: string, version: string, run: string | null = null, platforms = [amd64]): this {
    const to = snapshot(version, platforms);
    this.add('tag.adopted', {
      reference: ref(name),
      seenBy: 'Poll',
      hintedAt: null,
      from: null,
      to,
      policy: 'acr',
      run,
    });
    return this;
  }

  of(name: string): { stale: boolean; pending: boolean; unsettled: boolean } {
    const { stale, pending, unsettled } = this.model.task(name);
    return { stale, pending, unsettled };
  }

  due(name: string) {
    return evaluate(this.model.task(name), this.model.images, this.now);
  }

  /** Offers what the task is due for. */
  offer(name: string): { readonly offer: number; readonly key: string } {
    const offered = this.due(name);
    if (offered.kind !== 'due') throw new Error(`${name} is ${offered.kind}`);
    const { key, causes, pins, sourceRevision } = offered;
    const offer = this.add('rebuild.due', { task: name, key, causes, pins, sourceRevision, basis: 1, waves: [] });
    return { offer, key };
  }
}

const definitionOf = (name: string, revision: string): TaskDefinition =>
  taskDefinitionSchema.parse({
    name,
    team: 'platform',
    platforms: [amd64],
    step: {
      type: 'Docker',
      contextPath: 'https://git.test/app.git',
      imageNames: [ref(name)],
      arguments: [{ name: 'REVISION', value: revision }],
    },
  });

const fresh = { stale: false, pending: false, unsettled: false };

describe('the graph', () => {
  it('makes the task stale whose base was adopted anew, and what stands on it pending', () => {
    const story = new Story().adopt('root', 'v1').task('a', 'root').task('b', 'a').adopt('root', 'v2');
    expect(story.of('a')).toEqual({ stale: true, pending: true, unsettled: true });
    expect(story.of('b')).toEqual({ stale: false, pending: true, unsettled: true });
  });

  it('holds the foot of an uneven diamond until the longer side is through', () => {
    const story = new Story().adopt('x', 'v1').adopt('a', 'a1').adopt('b', 'b1');
    story.task('a', 'x').task('b', 'a').task('c', 'x', 'b');
    story.adopt('a', 'a-first', 'a-first').adopt('b', 'b-first', 'b-first');
    story.adopt('x', 'v2');
    expect(story.due('c')).toMatchObject({ kind: 'blocked', reason: 'UpstreamPending', by: ['b'] });
  });

  it('does not go on between a success and the answer to its output', () => {
    const story = new Story().adopt('x', 'v1').adopt('a', 'a1').task('a', 'x').task('b', 'a');
    story.adopt('a', 'a2').run('a', 'r2', ['x']);
    expect(story.of('a')).toEqual({ stale: false, pending: true, unsettled: true });
    story.add('tag.confirmed', { reference: ref('a'), digest: null, run: 'r2' });
    expect(story.of('a')).toEqual(fresh);
  });

  it('forgets what a deleted task pushed: its dependants are held by nobody', () => {
    const story = new Story().adopt('x', 'v1').adopt('a', 'a1').task('a', 'x').task('b', 'a').adopt('x', 'v2');
    expect(story.of('b').pending).toBe(true);
    story.add('task.deleted', { task: 'a', by: 'ada' });
    expect([...story.model.task('b').up]).toEqual([]);
    expect(story.of('b')).toEqual(fresh);
  });

  it('does not take the run of a deleted task for one of its namesake', () => {
    const story = new Story().adopt('x', 'v1').define('a', 'task.created', ['x']).queue('a', 'r1');
    story.add('task.deleted', { task: 'a', by: 'ada' });
    story.define('a', 'task.created', ['x']);
    expect(story.of('a')).toEqual(fresh);
    story.succeed('a', 'r1', ['x']);
    expect(story.model.task('a').standing).toBeNull();
  });

  it('waits no more for an output that nobody tracks any more, nor when it is tracked again', () => {
    const story = new Story().adopt('a', 'a1').task('a').task('b', 'a').run('a', 'r2', []);
    expect(story.of('a').pending).toBe(true);
    story.define('b', 'task.updated', [], '2').run('b', 'r3', []);
    expect(story.of('a')).toEqual(fresh);
    story.define('b', 'task.updated', ['a'], '3');
    expect(story.of('a')).toEqual(fresh);
  });

  it('holds nobody with a run that no builder takes, until one does', () => {
    const story = new Story().adopt('x', 'v1').adopt('y', 'v1').adopt('a', 'a-first', 'a-first');
    story.task('a', 'x').task('b', 'a', 'y').adopt('x', 'v2').adopt('y', 'v2').queue('a', 'r2');
    story.now = 60_000;
    expect(story.due('b')).toMatchObject({ kind: 'blocked', reason: 'UpstreamPending', by: ['a'] });
    story.add('run.unplaced', { run: 'r2', task: 'a', pool: 'gpu' });
    expect(story.of('a')).toEqual({ stale: true, pending: false, unsettled: true });
    expect(story.of('b')).toEqual({ stale: true, pending: true, unsettled: true });
    expect(story.due('b')).toMatchObject({ kind: 'due' });
    story.add('run.dispatched', { run: 'r2', attempt: 1, pool: 'gpu' });
    expect(story.of('a').pending).toBe(true);
    expect(story.due('b')).toMatchObject({ kind: 'blocked', reason: 'UpstreamPending', by: ['a'] });
  });

  it('is pending while one of its runs has a builder', () => {
    const story = new Story().adopt('x', 'v1').task('a', 'x').queue('a', 'r2');
    story.add('run.unplaced', { run: 'r2', task: 'a', pool: 'gpu' });
    expect(story.of('a')).toEqual(fresh);
    story.queue('a', 'r3');
    expect(story.of('a').pending).toBe(true);
  });

  it('replaces an offer whose key changed, though a run by hand is queued', () => {
    const story = new Story().adopt('x', 'v1').task('a', 'x').adopt('x', 'v2');
    const { offer, key } = story.offer('a');
    story.queue('a', 'r2', offer, key).queue('a', 'by-hand');
    expect(story.due('a')).toMatchObject({ kind: 'due', key });
    story.adopt('x', 'v3');
    const now = story.due('a');
    expect(now.kind === 'due' && now.key !== key).toBe(true);
  });

  it('takes an offer back when a run by hand was started first: it may build the same', () => {
    const story = new Story().adopt('x', 'v1').task('a', 'x').adopt('x', 'v2');
    const { offer, key } = story.offer('a');
    story.queue('a', 'r2', offer, key).queue('a', 'by-hand');
    story.add('run.started', { run: 'by-hand', attempt: 1, builder: 'b', slot: 0, engine: 'docker', isolation: 'oci' });
    expect(story.due('a')).toMatchObject({ kind: 'blocked', reason: 'Running', by: ['by-hand'] });
    story.succeed('a', 'by-hand', ['x']);
    expect(story.due('a')).toEqual({ kind: 'settled' });
  });

  it('offers nothing new while a run by hand is queued', () => {
    const story = new Story().adopt('x', 'v1').task('a', 'x').queue('a', 'by-hand').adopt('x', 'v2');
    expect(story.due('a')).toEqual({ kind: 'running' });
  });

  it('stays on the last index that has all platforms of the task', () => {
    const story = new Story().adopt('x', 'v1').task('a', 'x').adopt('x', 'v2', null, ['linux/arm64']);
    expect(story.of('a')).toEqual(fresh);
  });

  it('is not moved by another platform than those of the task', () => {
    const story = new Story().adopt('x', 'v1').task('a', 'x').adopt('x', 'v1', null, [amd64, 'linux/arm64']);
    expect(story.of('a')).toEqual(fresh);
  });

  it('does not trigger a task by what it pushes itself', () => {
    const story = new Story().adopt('a', 'a1').task('a', 'a').adopt('a', 'a-first', 'a-first');
    expect(story.of('a')).toEqual(fresh);
    expect(story.model.task('a').tracksItself).toBe(true);
  });
});
