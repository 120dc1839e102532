import { Kvm } from '@nats-io/kv';
import { headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buckets, streams } from '#libs/contracts';
import { startNats, startProxy, type NatsServer } from '#libs/testing';
import { eventLogConformance } from '../conformance/event-log.js';
import { confirmed, openReader, readAll, tag, watched } from '../conformance/events.js';
import { parsedHeaders, rawHeaders } from '../wire/raw-headers.js';
import { Jet } from './jet.js';

const small = {
  eventsMaxBytes: 64 * 1024 * 1024,
  dispatchMaxBytes: 1024 * 1024,
  logsMaxBytes: 1024 * 1024,
  deadMaxBytes: 1024 * 1024,
  blobsMaxBytes: 16 * 1024 * 1024,
  kvMaxBytes: 1024 * 1024,
};

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());

eventLogConformance('JetStreamEventLog', async () => {
  const jet = await Jet.connect({ servers: nats.url, name: 'conformance' });
  await jet.provision(small);
  return {
    log: jet.events,
    purge: async (before) => {
      await jet.jsm.streams.purge(streams.events, { seq: before });
    },
    close: async () => {
      await jet.jsm.streams.delete(streams.events);
      await jet.close();
    },
  };
});

describe('the log on a nats-server that fails', () => {
  it('loses nothing that was acknowledged and stores nothing twice when the server is killed again and again', async () => {
    await using server = await startNats();
    const jet = await Jet.connect({ servers: server.url, name: 'killed', ackTimeoutMs: 500 });
    await jet.provision(small);
    const reader = openReader(jet.events, 0);
    await reader.next();

    const perWriter = 150;
    let acknowledged = 0;
    const writer = async (name: string): Promise<string[]> => {
      const ids: string[] = [];
      let expected = 0;
      for (let i = 0; i < perWriter; i++) {
        const id = `${name}-${i}`;
        ({ sequence: expected } = await jet.events.append(tag(name), expected, [confirmed(name, `r${i}`, id)]));
        ids.push(id);
        acknowledged += 1;
      }
      return ids;
    };
    const writers = Promise.all(['a', 'b', 'c', 'd'].map(writer));
    let finished = false;
    const done = writers.finally(() => (finished = true));
    for (const at of [100, 250, 400]) {
      while (acknowledged < at && !finished) await new Promise((resolve) => setImmediate(resolve));
      await server.kill();
      await server.restart();
    }
    const ids = (await done).flat();

    const { last } = await jet.events.range();
    expect(last).toBe(ids.length);
    const stored = await readAll(jet.events);
    expect(stored.map((e) => e.id).toSorted()).toEqual(ids.toSorted());
    // A reader that was there all the time saw the same, through all the crashes.
    expect((await reader.until(last)).map((e) => e.sequence)).toEqual(stored.map((e) => e.sequence));
    await reader.close();
    await jet.close();
  });

  it('stores an event once when the acknowledgement is lost on the way', async () => {
    await using proxy = await startProxy(nats.port);
    const direct = await Jet.connect({ servers: nats.url, name: 'direct' });
    await direct.provision(small);
    const jet = await Jet.connect({ servers: `nats://127.0.0.1:${proxy.port}`, name: 'lost-ack', ackTimeoutMs: 1_000 });
    const reader = openReader(direct.events, 0);
    await reader.next();
    proxy.swallowReplies();
    const appending = jet.events.append(tag('a'), 0, [watched('a', 'once')]);
    await reader.until(1);
    proxy.cut();
    expect((await appending).sequence).toBe(1);
    expect(await direct.events.range()).toEqual({ first: 1, last: 1 });
    await reader.close();
    await jet.close();
    await direct.jsm.streams.delete(streams.events);
    await direct.close();
  });

  it('says that the log is full instead of dropping old facts', async () => {
    const jet = await Jet.connect({ servers: nats.url, name: 'full' });
    await jet.provision({ ...small, eventsMaxBytes: 2_000 });
    const filling = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await jet.events.append(tag(`t${i}`), 0, [watched(`t${i}`)]);
    };
    await expect(filling()).rejects.toMatchObject({ code: 'LOG_FULL' });
    expect((await jet.events.range()).first).toBe(1);
    await jet.jsm.streams.delete(streams.events);
    await jet.close();
  });

  it('says which setting of a stream is wrong', async () => {
    const jet = await Jet.connect({ servers: nats.url, name: 'wrong' });
    await jet.jsm.streams.add({ name: streams.events, subjects: ['plinth.events.>'], discard: 'old', max_bytes: 1000 });
    await expect(jet.provision(small)).rejects.toThrow(/PLINTH_EVENTS: discard is "old", it should be "new"/);
    expect(await jet.check(small)).toContain('PLINTH_EVENTS: discard is "old", it should be "new"');
    await jet.jsm.streams.delete(streams.events);
    await jet.provision(small);
    expect(await jet.check(small)).toEqual([]);
    await jet.jsm.streams.delete(streams.events);
    await jet.close();
  });

  it('keeps one value of each key, and no older ones of a bucket that kept them', async () => {
    await using server = await startNats();
    const jet = await Jet.connect({ servers: server.url, name: 'history' });
    await new Kvm(jet.connection).create(buckets.secrets, { history: 5 });
    const secrets = jet.kv(buckets.secrets);
    for (const value of ['old', 'older', 'new']) await secrets.put('npm', Buffer.from(value));
    expect((await jet.jsm.streams.info(`KV_${buckets.secrets}`)).state.messages).toBe(3);
    await jet.provision(small);
    expect((await jet.jsm.streams.info(`KV_${buckets.secrets}`)).state.messages).toBe(1);
    expect(Buffer.from((await secrets.get('npm'))!.value).toString()).toBe('new');
    await jet.close();
  });

  it('reads headers where the client of this version keeps them, and reads the same as the client', async () => {
    const jet = await Jet.connect({ servers: nats.url, name: 'headers' });
    await jet.provision(small);
    const event = { ...watched('a', 'ü "quoted" 100%'), causation: 'request 1', correlation: '漢字' };
    await jet.events.append(tag('a'), 0, [event]);
    const message = (await (await jet.js.consumers.get(streams.events)).next())!;
    const raw = rawHeaders(message)!;
    const parsed = parsedHeaders(message.headers);
    const names = [...message.headers!.keys(), 'ce-', 'ce-none', 'NATS/1.0'];
    expect(names).toContain('ce-correlationid');
    expect(names.map(raw)).toEqual(names.map(parsed));
    await jet.jsm.streams.delete(streams.events);
    await jet.close();
  });

  it('names the event whose body somebody else wrote', async () => {
    const jet = await Jet.connect({ servers: nats.url, name: 'foreign' });
    await jet.provision(small);
    const own = headers();
    own.set('ce-id', 'x');
    own.set('ce-type', 'dev.plinth.tag.watched.v1');
    own.set('ce-time', '2026-01-01T00:00:00Z');
    await jet.js.publish('plinth.events.tag.b', 'not json', { headers: own });
    const [event] = await readAll(jet.events);
    expect(() => event!.data).toThrow(/Event 1, tag.watched of tag b, has a body that is no JSON/);
    await jet.jsm.streams.delete(streams.events);
    await jet.close();
  });

  it('stops at an event that a newer version wrote, and names it', async () => {
    const jet = await Jet.connect({ servers: nats.url, name: 'future' });
    await jet.provision(small);
    await jet.events.append(tag('a'), 0, [watched('a')]);
    const own = headers();
    own.set('ce-id', 'x');
    own.set('ce-type', 'dev.plinth.tag.watched.v2');
    own.set('ce-time', '2026-01-01T00:00:00Z');
    await jet.js.publish('plinth.events.tag.b', '{}', { headers: own });
    const reader = openReader(jet.events, 0);
    await expect(reader.until(2)).rejects.toThrow(/Event 2 is tag.watched in version 2.*reads up to version 1/);
    await jet.jsm.streams.delete(streams.events);
    await jet.close();
  });
});
