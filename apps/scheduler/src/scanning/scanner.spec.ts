import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PlinthError } from '#libs/contracts';
import { AggregateStore, Commands, MemoryEventLog, silentLogger } from '#libs/event-log';
import { AddressPolicy } from '#libs/oci';
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

  const noSecret = () => Promise.reject(new Error('not here'));
  interface Settings {
    readonly step?: object;
    readonly openSecret?: (name: string) => Promise<string>;
    readonly addressPolicy?: AddressPolicy;
  }
  const setUp = async (
    contexts: Readonly<Record<string, () => Promise<never>>>,
    { step = {}, openSecret = noSecret, addressPolicy }: Settings = {},
  ) => {
    const log = new MemoryEventLog();
    const clock = new FakeClock();
    const tasks = new AggregateStore(taskDecider);
    const projector = { position: 0, waitFor: () => Promise.resolve(true) };
    const commands = new Commands({ log, projector });
    const names = Object.keys(contexts);
    for (const [index, name] of names.entries()) {
      const definition = definitionOf(name, { contextPath: `context://${digestOf(String(index))}`, ...step });
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
      registries: { client: { getConfig: silent, getManifest: silent, getBlob: silent } },
      secrets: { open: openSecret },
      clock,
      logger: silentLogger,
      workDir: dir.path,
      addressPolicy,
    });
    const isScanned = (name: string) => tasks.get(name).state.scanned;
    return { scanner, names, clock, opened, isScanned, log };
  };

  const silent = () => Promise.reject(new Error('no answer'));
  const missing = () => Promise.reject(Object.assign(new Error('not there'), { code: 'NOT_FOUND' }));

  it('reads the next task while the repositories of others do not answer', async () => {
    const { scanner, names, isScanned } = await setUp({ a: silent, b: silent, c: silent, d: silent, e: missing });
    scanner.attend(names);
    await expect.poll(() => isScanned('e')).toBe(true);
    expect(['a', 'b', 'c', 'd'].some(isScanned)).toBe(false);
    expect(scanner.failureOf('e')).toBe(null);
    scanner.stop();
  });

  it('waits for a secret that is not stored yet', async () => {
    const stored = new Set<string>();
    const openSecret = (name: string) =>
      stored.has(name)
        ? Promise.resolve('a token')
        : Promise.reject(new PlinthError('NOT_FOUND', `There is no secret "${name}".`));
    const { scanner, names, clock, isScanned } = await setUp(
      { a: missing },
      { step: { contextAccessToken: 'later' }, openSecret },
    );
    scanner.attend(names);
    await expect.poll(() => clock.pending).toBe(1);
    expect(scanner.failureOf('a')).toBe('There is no secret "later". It is tried again.');
    expect(isScanned('a')).toBe(false);
    stored.add('later');
    await clock.advance(1000);
    await expect.poll(() => isScanned('a')).toBe(true);
    expect(scanner.failureOf('a')).toBe(null);
    scanner.stop();
  });

  it('asks no server at an address that the operator does not permit, and says what would', async () => {
    const step = { contextPath: 'http://127.0.0.1:1/team/app.git' };
    const { scanner, names, isScanned, log } = await setUp({ a: silent }, { step, addressPolicy: new AddressPolicy() });
    scanner.attend(names);
    await expect.poll(() => isScanned('a')).toBe(true);
    scanner.stop();
    for await (const { events } of log.read({ after: 0, signal: new AbortController().signal })) {
      const scanned = events.find(({ type }) => type === 'task.scanned');
      expect(scanned?.data).toMatchObject({
        status: 'Unknown',
        reason: expect.stringContaining('PLINTH_CONTEXT_ALLOW') as string,
      });
      break;
    }
  });

  it('reads a task again a little later, and later each time', async () => {
    const { scanner, names, clock, opened } = await setUp({ a: silent });
    scanner.attend(names);
    await expect.poll(() => clock.pending).toBe(1);
    expect(opened).toHaveLength(1);
    expect(scanner.failureOf('a')).toMatch(/no answer\. It is tried again\.$/);
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
