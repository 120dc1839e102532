import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AggregateStore, Commands, MemoryEventLog, silentLogger } from '#libs/event-log';
import { FakeClock, tempDir, type TempDir } from '#libs/testing';
import { taskDecider } from '../tasks/task.decider.js';
import { definitionOf } from '../testing/samples.js';
import { Scanner } from './scanner.js';

const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`;

describe('a scanner', () => {
  let dir: TempDir;
  beforeEach(async () => {
    dir = await tempDir('scanner');
  });
  afterEach(() => dir.remove());

  const setUp = async (contexts: Readonly<Record<string, () => Promise<never>>>) => {
    const clock = new FakeClock();
    const tasks = new AggregateStore(taskDecider);
    const projector = { position: 0, waitFor: () => Promise.resolve(true) };
    const commands = new Commands({ log: new MemoryEventLog(), projector });
    const names = Object.keys(contexts);
    for (const [index, name] of names.entries()) {
      const definition = definitionOf(name, { contextPath: `context://${digestOf(String(index))}` });
      await commands.execute(tasks, taskDecider, name, { type: 'create', definition, by: 'me' });
    }
    const opened: string[] = [];
    const scanner = new Scanner({
      tasks,
      commands,
      contexts: {
        put: () => Promise.reject(new Error('not here')),
        has: () => Promise.resolve(false),
        delete: () => Promise.resolve(),
        get: (digest: string) => {
          const name = names.find((_name, index) => digestOf(String(index)) === digest)!;
          opened.push(name);
          return contexts[name]!();
        },
      } as never,
      registries: { client: { getConfig: () => Promise.reject(new Error('not here')) } },
      secrets: { open: () => Promise.reject(new Error('not here')) },
      clock,
      logger: silentLogger,
      workDir: dir.path,
    });
    const isScanned = (name: string) => tasks.get(name).state.scanned;
    return { scanner, names, clock, opened, isScanned };
  };

  const silent = () => Promise.reject(new Error('no answer'));
  const missing = () => Promise.reject(Object.assign(new Error('not there'), { code: 'NOT_FOUND' }));

  it('reads the next task while the repositories of others do not answer', async () => {
    const { scanner, names, isScanned } = await setUp({ a: silent, b: silent, c: silent, d: silent, e: missing });
    scanner.attend(names);
    await expect.poll(() => isScanned('e')).toBe(true);
    expect(['a', 'b', 'c', 'd'].some(isScanned)).toBe(false);
    scanner.stop();
  });

  it('reads a task again a little later, and later each time', async () => {
    const { scanner, names, clock, opened } = await setUp({ a: silent });
    scanner.attend(names);
    await expect.poll(() => clock.pending).toBe(1);
    expect(opened).toHaveLength(1);
    await clock.advance(1000);
    await expect.poll(() => opened).toHaveLength(2);
    await expect.poll(() => clock.pending).toBe(1);
    await clock.advance(1000);
    expect(clock.pending).toBe(1);
    await clock.advance(1000);
    await expect.poll(() => opened).toHaveLength(3);
    scanner.stop();
  });
});
