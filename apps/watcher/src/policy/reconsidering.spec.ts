import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '#libs/contracts';
import { AggregateStore, Commands, MemoryEventLog, Projector, silentLogger } from '#libs/event-log';
import { FakeClock, tempDir, type TempDir } from '#libs/testing';
import { tagDecider, type TagState } from '../tags/tag.decider.js';
import { digestOf, reference, snapshotOf } from '../testing/samples.js';
import { policyDecider, type PolicyState } from './policy.decider.js';
import { Policies } from './policy.js';
import { Reconsidering } from './reconsidering.js';

const hour = 3_600_000;

describe('digests that wait', () => {
  let dir: TempDir;
  let clock: FakeClock;
  let log: MemoryEventLog;
  /** Digests that the registry has no more. */
  let gone: Set<string>;
  let asked: string[];
  let failure: Error | undefined;

  /** What a process of the watcher has of this, on a disk of its own. */
  class Process {
    readonly tags = new AggregateStore<TagState>(tagDecider);
    readonly states = new AggregateStore<PolicyState>(policyDecider);
    projector!: Projector;
    commands!: Commands;
    policies!: Policies;
    reconsidering!: Reconsidering;

    static async start(name: string): Promise<Process> {
      const one = new Process();
      const { tags, states } = one;
      const file = join(dir.path, `${name}.sqlite`);
      one.projector = new Projector({ log, file, projections: [tags, states] });
      one.commands = new Commands({ log, projector: one.projector });
      const watchList = { platformsOf: () => ['linux/amd64'], sistersOf: () => [], pushesTo: () => false };
      one.policies = new Policies({ states, tags, watchList, clock, preset: 'careful' });
      one.reconsidering = new Reconsidering({
        tags,
        policies: one.policies,
        registries: {
          client: {
            headManifest: async ({ digest }: { digest?: string }) => {
              asked.push(digest!);
              if (failure) throw failure;
              return gone.has(digest!) ? undefined : { digest };
            },
          } as never,
        },
        commands: one.commands,
        clock,
        logger: silentLogger,
      });
      await one.projector.start();
      await one.caughtUp();
      one.reconsidering.attendAll();
      one.projector.onBatch((events, caughtUp) => one.reconsidering.attendEvents(events, caughtUp));
      return one;
    }

    async caughtUp(): Promise<void> {
      await this.projector.waitFor((await log.range()).last, { timeoutMs: 5000 });
    }

    async look(found: Snapshot): Promise<void> {
      const { state } = this.tags.get(reference);
      const verdict = this.policies.decide(reference, state, found, false);
      const look = { type: 'observe', reference, found, seenBy: 'Poll', hintedAt: null, run: null, verdict } as const;
      await this.commands.execute(this.tags, tagDecider, reference, look);
      await this.settled();
    }

    /** Until everything that was asked for is decided. */
    async settled(): Promise<void> {
      await this.caughtUp();
      await this.reconsidering.attend(reference);
    }

    async pass(ms: number): Promise<void> {
      await clock.advance(ms);
      await this.settled();
    }

    get adopted(): string | undefined {
      return this.tags.get(reference).state.adopted?.digest;
    }

    async stop(): Promise<void> {
      this.reconsidering.stop();
      await this.projector.stop();
    }
  }

  let watcher: Process;
  beforeEach(async () => {
    dir = await tempDir('reconsidering');
    clock = new FakeClock();
    log = new MemoryEventLog({ clock });
    gone = new Set();
    asked = [];
    failure = undefined;
    watcher = await Process.start('first');
    await watcher.commands.execute(watcher.tags, tagDecider, reference, { type: 'watch', reference });
    await watcher.look(snapshotOf('a'));
  });
  afterEach(async () => {
    await watcher.stop();
    await dir.remove();
  });

  it('are adopted when they are old enough, by a timer alone', async () => {
    await watcher.look(snapshotOf('b'));
    await clock.advance(24 * hour - 1);
    await watcher.caughtUp();
    expect(watcher.adopted).toBe(digestOf('a'));
    await watcher.pass(1);
    expect(watcher.adopted).toBe(digestOf('b'));
    expect(clock.pending).toBe(0);
  });

  it('lose nothing of their age in a restart on an empty disk, and are adopted at once when it is over by then', async () => {
    await watcher.look(snapshotOf('b'));
    await watcher.pass(23 * hour);
    await watcher.stop();
    watcher = await Process.start('second');
    expect(watcher.adopted).toBe(digestOf('a'));
    await watcher.pass(hour);
    expect(watcher.adopted).toBe(digestOf('b'));
    await watcher.look(snapshotOf('c'));
    await watcher.stop();
    await clock.advance(48 * hour);
    watcher = await Process.start('third');
    await watcher.settled();
    expect(watcher.adopted).toBe(digestOf('c'));
  });

  it('are judged anew when a policy is written, changed or deleted', async () => {
    const write = async (command: Parameters<typeof policyDecider.decide>[0]) => {
      await watcher.commands.execute(watcher.states, policyDecider, 'hub', command);
      await watcher.settled();
    };
    await watcher.look(snapshotOf('b'));
    await write({ type: 'create', definition: { name: 'hub', match: ['docker.io/*'], hold: true } });
    await watcher.pass(48 * hour);
    expect(watcher.adopted).toBe(digestOf('a'));
    expect(watcher.tags.get(reference).state.candidates[0]?.held).toMatchObject({
      code: 'HeldByPolicy',
      policy: 'hub',
    });
    // Nobody asks: that the policy is gone is reason enough.
    const { last } = await log.range();
    await watcher.commands.execute(watcher.states, policyDecider, 'hub', { type: 'delete', name: 'hub' });
    await watcher.projector.waitFor(last + 2, { timeoutMs: 5000 });
    expect(watcher.adopted).toBe(digestOf('b'));
  });

  it('that the registry has no more are not adopted; what is as old is', async () => {
    await watcher.look(snapshotOf('b'));
    await watcher.pass(hour);
    await watcher.look(snapshotOf('c'));
    await watcher.pass(hour);
    await watcher.look(snapshotOf('d'));
    gone.add(digestOf('b'));
    await watcher.pass(22 * hour);
    expect(watcher.adopted).toBe(digestOf('a'));
    expect(asked).toEqual([digestOf('b')]);
    await watcher.pass(hour);
    expect(watcher.adopted).toBe(digestOf('c'));
  });

  it('are tried again when the registry cannot say whether it has them', async () => {
    await watcher.look(snapshotOf('b'));
    await watcher.pass(hour);
    await watcher.look(snapshotOf('c'));
    failure = new Error('the registry is on fire');
    await watcher.pass(23 * hour);
    expect(watcher.adopted).toBe(digestOf('a'));
    failure = undefined;
    await clock.advance(10_000);
    await watcher.settled();
    expect(watcher.adopted).toBe(digestOf('b'));
  });
});
