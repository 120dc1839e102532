import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDecider } from '#libs/domain';
import { Jet, type RecordedEvent } from '#libs/event-log';
import { parseDigest, parseReference, RegistryClient } from '#libs/oci';
import { startNats, tempDir, type NatsServer, type TempDir } from '#libs/testing';
import { startRegistry, type TestRegistry } from './engines/testing/registry.js';
import { useUnpackedTools } from './engines/testing/tools.js';
import { definitionOf, queuedRun } from './testing/bench.js';
import { runBuilder, type BuilderProcessSettings } from './testing/builder-process.js';

const ackWaitMs = 2_000;

describe('a builder that is killed', () => {
  let dir: TempDir;
  let nats: NatsServer;
  let registry: TestRegistry;
  let client: RegistryClient;
  let jet: Jet;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    useUnpackedTools();
    dir = await tempDir('builder-crash');
    [nats, registry] = await Promise.all([startNats(), startRegistry()]);
    client = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'http' }] });
    jet = await Jet.connect({ servers: nats.url, name: 'test' });
    await jet.provision();
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await jet.close();
    await client.close();
    await registry.stop();
    await nats.stop();
    await dir.remove();
  });

  const settings = (builderId: string): BuilderProcessSettings => ({
    nats: nats.url,
    registry: registry.host,
    builderId,
    dir: join(dir.path, builderId),
    ackWaitMs,
  });

  const childBuilder = (builderId: string, crashAt: string): ChildProcess => {
    const sources = join(import.meta.dirname, 'testing');
    const flags = ['--conditions=source', '--experimental-transform-types', '--disable-warning=ExperimentalWarning'];
    const child = spawn(
      process.execPath,
      [
        ...flags,
        '--import',
        join(sources, 'typescript-sources.mjs'),
        join(sources, 'builder-process.ts'),
        JSON.stringify(settings(builderId)),
      ],
      { env: { ...process.env, PLINTH_CRASH_AT: crashAt }, stdio: ['ignore', 'inherit', 'inherit'] },
    );
    children.push(child);
    return child;
  };

  /** What the scheduler would have written. */
  const queue = async (run: string, imageNames: string[]): Promise<void> => {
    const queued = queuedRun(run, definitionOf({ imageNames }), { task: run });
    const { sequence } = await jet.events.append({ kind: 'run', id: run }, 0, [
      { type: 'run.queued', id: `${run}.queued`, data: queued },
    ]);
    await jet.events.append({ kind: 'run', id: run }, sequence, [
      { type: 'run.dispatched', id: `${run}.dispatched`, data: { run, attempt: 1, pool: 'default' } },
    ]);
    await jet.dispatch.send('default', { run, attempt: 1 });
  };

  /** Events of a run up to and with one of this type. */
  const eventsUntil = async (run: string, type: string): Promise<RecordedEvent[]> => {
    const found: RecordedEvent[] = [];
    for await (const { events } of jet.events.read({ after: 0, signal: AbortSignal.timeout(50_000) })) {
      found.push(...events.filter(({ aggregate }) => aggregate.kind === 'run' && aggregate.id === run));
      if (found.some((event) => event.type === type)) return found;
    }
    throw new Error(`No ${type} of run ${run}; it has ${found.map((event) => event.type).join(', ')}.`);
  };

  it.each([
    ['builder.digest', 'builds again, as nobody knew its digests, and attaches its provenance'],
    ['builder.pushed', 'builds again, as nobody knew its digests'],
    ['builder.built', 'publishes what was built'],
    ['builder.tag:1', 'moves the tags that are left'],
    ['builder.tagged', 'says that the run succeeded'],
  ])('at %s is followed by another that %s', async (crashAt) => {
    const run = crashAt.replaceAll(/[^a-z0-9]/g, '-');
    const names = ['one', 'two', 'three'].map((tag) => `${registry.host}/team/${run}:${tag}`);
    await queue(run, names);
    const first = childBuilder(`dies-${run}`, crashAt);
    const [, signal] = (await once(first, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');

    const stop = await runBuilder(settings(`follows-${run}`));
    const events = await eventsUntil(run, 'run.succeeded');
    await stop();
    expect(events.map(({ type }) => type)).toEqual(
      crashAt === 'builder.digest' || crashAt === 'builder.pushed'
        ? ['run.queued', 'run.dispatched', 'run.started', 'run.started', 'run.built', 'run.succeeded']
        : ['run.queued', 'run.dispatched', 'run.started', 'run.built', 'run.started', 'run.succeeded'],
    );
    const built = events.find((event) => event.type === 'run.built');
    expect(built?.data.outputs.map(({ reference }) => reference)).toEqual(names);
    for (const { reference, digest } of built?.data.outputs ?? []) {
      expect((await client.headManifest(parseReference(reference)))?.digest).toBe(digest);
      const { registry: host, repository } = parseReference(reference);
      const found = await client.referrers({ registry: host, repository }, parseDigest(digest));
      expect(found.length).toBeGreaterThan(0);
    }
    const state = events.reduce((before, event) => runDecider.evolve(before, event as never), runDecider.initialState);
    expect(state.phase).toBe('Ended');
  });
});
