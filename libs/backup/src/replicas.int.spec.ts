import { join } from 'node:path';
import { TimeoutError } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { streams } from '#libs/contracts';
import { Jet } from '#libs/event-log';
import { startNatsCluster, tempDir, type NatsCluster, type TempDir } from '#libs/testing';
import { backup } from './backup.js';
import { planRestore, restore } from './restore.js';

/** A server that led is gone: until another one leads, nobody answers. */
const afterElection = async <T>(ask: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof TimeoutError) || tries === 10) throw error;
    }
  }
};

describe('a backup of a cluster with three replicas', () => {
  let dir: TempDir;
  let cluster: NatsCluster;
  let jet: Jet;
  const limits = { replicas: 3 };

  const append = async (host: string, expected = 0): Promise<number> => {
    const definition = { host, kind: 'Generic', scheme: 'https', poll: { intervalSeconds: 900 } } as const;
    const event = { id: `${host}-${expected}`, type: 'registry.registered', data: { definition } } as const;
    return (await jet.events.append({ kind: 'registry', id: host }, expected, [event])).sequence;
  };
  const replicasOf = async (): Promise<Record<string, unknown>> => {
    const found: Record<string, unknown> = {};
    for await (const { config, state } of jet.jsm.streams.list()) {
      found[config.name] = { replicas: config.num_replicas, messages: state.messages, last: state.last_seq };
    }
    return found;
  };

  beforeAll(async () => {
    dir = await tempDir('replicas');
    cluster = await startNatsCluster();
    jet = await Jet.connect({ servers: cluster.urls, name: 'test' });
    await jet.provision(limits);
    for (const host of ['a.test', 'b.test']) await append(host);
    await jet.kv('secrets').put('one', Buffer.from('sealed'));
    await jet.blobs('contexts').put(Buffer.alloc(300_000, 'x'), { maxBytes: 1e6 });
  });
  afterAll(async () => {
    await jet.close();
    await cluster.stop();
    await dir.remove();
  });

  it('comes back with all of its replicas', async () => {
    const path = join(dir.path, 'cluster.tar');
    await backup({ jet, path });
    const before = await replicasOf();
    expect(Object.values(before).every((one) => (one as { replicas: number }).replicas === 3)).toBe(true);
    expect(await append('late.test')).toBe(3);

    await expect(restore({ jet, path })).rejects.toThrow(/holds something else in PLINTH_EVENTS/);
    // Somebody who still reads would take the restored log for the one that it knows.
    const read = { first: Promise.withResolvers<void>(), stop: new AbortController() };
    const reading = (async () => {
      for await (const _batch of jet.events.read({ after: 0, signal: read.stop.signal })) read.first.resolve();
    })();
    await read.first.promise;
    await expect(restore({ jet, path, replace: true })).rejects.toThrow(/reads PLINTH_EVENTS at this moment/);
    read.stop.abort();
    await reading;

    const { streams: planned } = await planRestore({ jet, path, replace: true });
    expect(planned.find(({ name }) => name === streams.events)?.plan).toBe('Replaced');
    expect(planned.find(({ name }) => name === 'KV_secrets')?.plan).toBe('Kept');
    const { events } = await restore({ jet, path, replace: true });
    expect(events).toBe(2);
    expect(await replicasOf()).toEqual({ ...before, KV_leases: { replicas: 3, messages: 0, last: 0 } });
    expect(await append('late.test')).toBe(3);

    await cluster.servers[0]!.kill();
    expect(await afterElection(() => jet.check(limits))).toEqual([]);
    expect(await append('later.test')).toBe(4);
  });
});
