import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '#libs/contracts';
import { AggregateStore, Commands, MemoryEventLog, Projector, silentLogger, type RecordedEvent } from '#libs/event-log';
import { FakeClock, tempDir, type TempDir } from '#libs/testing';
import { tagDecider, type TagState } from '../tags/tag.decider.js';
import { atOnce, digestOf, reference, snapshotOf } from '../testing/samples.js';
import { Looker, StaleLookError } from './looker.js';

/** A registry that answers when the test says so, with what was there when it was asked. */
class HeldRegistry {
  current: Snapshot | null = snapshotOf('a');
  failure: Error | undefined;
  readonly calls: string[] = [];
  atOnce = 0;
  mostAtOnce = 0;
  private gate: Promise<void> = Promise.resolve();
  private open: () => void = () => undefined;

  hold(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gate = promise;
    this.open = resolve;
  }
  release(): void {
    this.open();
    this.gate = Promise.resolve();
  }

  private async call(name: string): Promise<Snapshot | null> {
    this.calls.push(name);
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    const { failure, current } = this;
    await this.gate;
    this.atOnce -= 1;
    if (failure) throw failure;
    return current;
  }
  readonly client = {
    headManifest: () => this.call('HEAD'),
    resolve: () => this.call('GET'),
  };
}

describe('a look', () => {
  let dir: TempDir;
  let log: MemoryEventLog;
  let projector: Projector;
  let tags: AggregateStore<TagState>;
  let registry: HeldRegistry;
  let looker: Looker;
  let clock: FakeClock;
  /** Runs that are owed an answer, with the digest that each pushed. */
  let owed: Map<string, string>;

  beforeEach(async () => {
    dir = await tempDir('looker');
    clock = new FakeClock();
    log = new MemoryEventLog({ clock });
    tags = new AggregateStore(tagDecider);
    projector = new Projector({ log, file: join(dir.path, 'w.sqlite'), projections: [tags] });
    await projector.start();
    registry = new HeldRegistry();
    owed = new Map();
    looker = new Looker({
      registries: registry as never,
      tags,
      commands: new Commands({ log, projector }),
      policy: atOnce,
      watchList: {
        owes: (_reference, run) => owed.has(run),
        isUrgent: (_reference, run) => run === 'urgent',
        pusherOf: (_reference, digest) => [...owed].find(([, pushed]) => pushed === digest)?.[0] ?? null,
      },
      clock,
      logger: silentLogger,
    });
  });
  afterEach(async () => {
    await projector.stop();
    await dir.remove();
  });

  const events = async (): Promise<RecordedEvent[]> => {
    const stop = new AbortController();
    for await (const batch of log.read({ after: 0, signal: stop.signal })) {
      stop.abort();
      return batch.events;
    }
    return [];
  };
  const types = async () => (await events()).map(({ type }) => type);
  const poll = () => looker.look(reference, { seenBy: 'Poll' });
  const answer = (run: string, word: string, final = false) =>
    looker.look(reference, { seenBy: 'Push', answers: { run, digest: digestOf(word), final } });

  it('asks by HEAD, and reads the index only when the digest is new', async () => {
    await poll();
    expect(registry.calls).toEqual(['HEAD', 'GET']);
    await poll();
    expect(registry.calls).toEqual(['HEAD', 'GET', 'HEAD']);
    expect(await types()).toEqual(['tag.moved', 'tag.adopted']);
  });

  it('takes an index with what nobody here builds for, and leaves out children whose platform is no name', async () => {
    const { platforms, ...rest } = snapshotOf('a');
    const offered = { ...platforms, 'windows(10.0.20348.2113)/amd64': digestOf('w'), 'wasip1/wasm': digestOf('x') };
    registry.current = { ...rest, platforms: { ...offered, 'linux\u001b[2J/amd64': digestOf('y') } };
    await poll();
    expect(tags.get(reference).state.adopted?.platforms).toEqual(offered);
  });

  it('is one at a time for each reference: those that are asked for meanwhile are one more after it', async () => {
    registry.hold();
    const looks = [poll(), poll(), poll()];
    registry.current = snapshotOf('b');
    registry.release();
    await Promise.all(looks);
    expect(registry.mostAtOnce).toBe(1);
    expect(registry.calls.filter((call) => call === 'HEAD')).toHaveLength(2);
    expect(tags.get(reference).state.adopted?.digest).toBe(digestOf('b'));
  });

  it('of one reference does not wait for that of another', async () => {
    registry.hold();
    const looks = [poll(), looker.look('docker.io/library/alpine:3', { seenBy: 'Poll' })];
    expect(registry.atOnce).toBe(2);
    registry.release();
    await Promise.all(looks);
  });

  it('is made again when somebody else looked meanwhile: an older answer never wins', async () => {
    await poll();
    registry.hold();
    registry.current = snapshotOf('old');
    const late = poll();
    // Another replica sees the newer one first.
    registry.current = snapshotOf('new');
    const look = { reference, seenBy: 'Poll', hintedAt: null } as const;
    const { sequence } = tags.get(reference);
    await log.append({ kind: 'tag', id: reference }, sequence, [
      { id: 'theirs', type: 'tag.moved', data: { ...look, from: digestOf('a'), to: snapshotOf('new') } },
    ]);
    await projector.waitFor(sequence + 1, { timeoutMs: 5_000 });
    registry.release();
    await late;
    expect(tags.get(reference).state).toMatchObject({ current: snapshotOf('new'), adopted: snapshotOf('new') });
    expect(JSON.stringify(await events())).not.toContain(digestOf('old'));
  });

  it('fails with the words of the registry, which are kept until one succeeds', async () => {
    registry.failure = new Error('the registry is on fire');
    await expect(poll()).rejects.toThrow('on fire');
    expect(looker.record(reference).lastError).toBe('the registry is on fire');
    registry.failure = undefined;
    await poll();
    expect(looker.record(reference)).toMatchObject({ lastError: null, lastLookAt: clock.now().getTime() });
  });

  it('goes on with what waits when one fails', async () => {
    registry.hold();
    registry.failure = new Error('once');
    const first = poll();
    registry.failure = undefined;
    const second = poll();
    registry.release();
    await expect(first).rejects.toThrow('once');
    await second;
    expect(await types()).toEqual(['tag.moved', 'tag.adopted']);
  });

  it('waits for the push of a run: while the old digest is shown, nothing is said', async () => {
    await poll();
    owed.set('r1', digestOf('b'));
    await expect(answer('r1', 'b')).rejects.toBeInstanceOf(StaleLookError);
    expect(await types()).toEqual(['tag.moved', 'tag.adopted']);
    await answer('r1', 'b', true);
    expect((await events()).at(-1)).toMatchObject({
      type: 'tag.confirmed',
      data: { run: 'r1', digest: digestOf('a') },
    });
  });

  it('answers a run that pushed what was there before at once', async () => {
    await poll();
    owed.set('r1', digestOf('a'));
    await answer('r1', 'a');
    expect((await events()).at(-1)).toMatchObject({ type: 'tag.confirmed', data: { run: 'r1' } });
  });

  it('says nothing of a run that was answered already, and asks nobody', async () => {
    await answer('r1', 'a');
    expect(registry.calls).toEqual([]);
  });

  it('names the run when a webhook or a poll finds its push first', async () => {
    await poll();
    owed.set('r1', digestOf('b'));
    registry.current = snapshotOf('b');
    await looker.look(reference, { seenBy: 'Webhook', hintedAt: '2026-01-01T00:00:00.000Z' });
    expect((await events()).at(-1)).toMatchObject({ type: 'tag.adopted', data: { run: 'r1', seenBy: 'Push' } });
  });

  it.each([
    ['urgent', { urgent: true }],
    ['r1', {}],
  ])('makes what stands on the push of run %s as urgent as the run was', async (run, urgency) => {
    await poll();
    owed.set(run, digestOf('b'));
    registry.current = snapshotOf('b');
    await answer(run, 'b');
    const adopted = (await events()).at(-1)!;
    expect(adopted).toMatchObject({ type: 'tag.adopted', data: { run, ...urgency } });
    expect('urgent' in (adopted.data as object)).toBe('urgent' in urgency);
  });

  it('says that a tag is gone, and answers the run that pushed it', async () => {
    await poll();
    registry.current = null;
    owed.set('r1', digestOf('b'));
    await answer('r1', 'b');
    expect(await types()).toEqual(['tag.moved', 'tag.adopted', 'tag.vanished', 'tag.confirmed']);
  });
});
