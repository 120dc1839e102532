import { createHash } from 'node:crypto';
import { appendFile, lstat, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { streams, taskDefinitionSchema } from '#libs/contracts';
import { Jet } from '#libs/event-log';
import { startNats, tempDir, type NatsServer, type TempDir } from '#libs/testing';
import { backup } from './backup.js';
import { writeManifest, type Manifest } from './manifest.js';
import { restore, verifyBackup } from './restore.js';

const registered = (host: string, id: string) =>
  ({
    id,
    type: 'registry.registered',
    data: { definition: { host, kind: 'Generic', scheme: 'https', poll: { intervalSeconds: 900 } } },
  }) as const;

describe('a backup', () => {
  let dir: TempDir;
  let from: NatsServer;
  let jet: Jet;
  const servers: NatsServer[] = [];
  const jets: Jet[] = [];

  const connect = async (server: NatsServer): Promise<Jet> => {
    const connected = await Jet.connect({ servers: server.url, name: 'test' });
    jets.push(connected);
    return connected;
  };
  const empty = async (): Promise<Jet> => {
    const server = await startNats();
    servers.push(server);
    return connect(server);
  };
  const append = async (to: Jet, host: string, expected = 0): Promise<number> =>
    (await to.events.append({ kind: 'registry', id: host }, expected, [registered(host, `${host}-${expected}`)]))
      .sequence;
  const contents = async (of: Jet) => {
    const found: Record<string, unknown> = {};
    for await (const { config, state } of of.jsm.streams.list()) {
      const { messages, first_seq, last_seq, num_deleted } = state;
      found[config.name] = { messages, first_seq, last_seq, num_deleted, max_bytes: config.max_bytes };
    }
    return found;
  };

  beforeEach(async () => {
    dir = await tempDir('backup');
    from = await startNats();
    servers.push(from);
    jet = await connect(from);
    await jet.provision();
    await jet.logs.append('old', [{ time: '2026-01-01T00:00:00Z', attempt: 1, stream: 'stdout', text: 'x' } as never]);
    for (const host of ['a.test', 'b.test']) await append(jet, host);
    await append(jet, 'a.test', 1);
    await jet.kv('secrets').put('one', Buffer.from('sealed'));
    await jet.kv('secrets').put('gone', Buffer.from('sealed'));
    await jet.kv('secrets').delete('gone');
    await jet.blobs('contexts').put(Buffer.alloc(300_000, 'x'), { maxBytes: 1e6 });
    await jet.kv('leases').put('builder.1', Buffer.from('{}'));
  });
  afterEach(async () => {
    for (const one of jets.splice(0)) await one.close();
    for (const one of servers.splice(0)) await one.stop();
    await dir.remove();
  });

  it.each(['folder', 'file.tar'])('as a %s is the same Plinth again, positions included', async (name) => {
    const path = join(dir.path, name);
    const manifest = await backup({ jet, path });
    expect(manifest.position).toBe(3);
    const to = await empty();
    const done = await restore({ jet: to, path });
    expect(done).toMatchObject({ events: 3, dispatched: 0, key: 'Absent' });
    const wanted = await contents(jet);
    const lease = { ...(wanted['KV_leases'] as object), messages: 0, first_seq: 0, last_seq: 0 };
    expect(await contents(to)).toEqual({ ...wanted, KV_leases: lease });
    expect(await to.kv('secrets').get('one')).toMatchObject({ revision: 1 });
    // Who appends goes on after it, and expects what was there.
    expect(await append(to, 'b.test', 2)).toBe(4);
    await to.provision();
    expect(await to.check()).toEqual([]);
  });

  it('that is taken while others write holds a moment: nothing in it is torn', async () => {
    const stop = new AbortController();
    let written = 3;
    const writing = (async () => {
      while (!stop.signal.aborted) written = await append(jet, `w${written}.test`);
    })();
    const path = join(dir.path, 'live');
    const { position } = await backup({ jet, path });
    stop.abort();
    await writing;
    expect(position).toBeGreaterThanOrEqual(3);
    const to = await empty();
    const { events } = await restore({ jet: to, path });
    const { last } = await to.events.range();
    expect(events).toBe(last);
    expect(last).toBeGreaterThanOrEqual(position);
    expect(last).toBeLessThanOrEqual(written);
  });

  it('can be restored again after a restore that was broken off', async () => {
    const path = join(dir.path, 'folder');
    await backup({ jet, path });
    const to = await empty();
    const broken = restore({
      jet: to,
      path,
      say: (line) => {
        if (line.startsWith(streams.events)) throw new Error('killed');
      },
    });
    await expect(broken).rejects.toThrow('killed');
    expect(Object.keys(await contents(to))).not.toContain(streams.events);
    const done = await restore({ jet: to, path });
    expect(done.restored).toContain(streams.events);
    expect(done.restored).not.toContain('OBJ_contexts');
    // And once more changes nothing but what is made anew anyway.
    expect((await restore({ jet: to, path })).restored).toEqual([streams.dispatch, 'KV_leases']);
  });

  it('never replaces what is there, unless that is asked for', async () => {
    const path = join(dir.path, 'folder');
    await backup({ jet, path });
    const to = await empty();
    await to.provision();
    await append(to, 'other.test');
    const before = await contents(to);
    await expect(restore({ jet: to, path })).rejects.toThrow(/holds something else in PLINTH_EVENTS.*--replace/);
    expect(await contents(to)).toEqual(before);
    await restore({ jet: to, path, replace: true });
    expect((await to.events.range()).last).toBe(3);
    await expect(backup({ jet, path })).rejects.toThrow(/is there already/);
  });

  it('hands out again what builders had in hand, and forgets the output of runs that have not been', async () => {
    const definition = taskDefinitionSchema.parse({
      name: 'app',
      team: 'web',
      platforms: ['linux/amd64'],
      agentPoolName: 'arm',
      step: { type: 'Docker', contextPath: 'https://git.test/app.git', imageNames: ['r.test/app:1'] },
    });
    const queued = (run: string) => ({
      id: `${run}-1`,
      type: 'run.queued' as const,
      data: {
        run,
        task: 'app',
        runType: 'QuickBuild' as const,
        key: null,
        causes: [{ type: 'Manual' as const, by: 'ada', at: '2026-01-01T00:00:00.000Z' }],
        offer: null,
        definition,
        definitionHash: 'h',
        overridden: false,
        pins: [],
        sourceRevision: null,
        priority: 'Interactive' as const,
        waves: [],
        createdAt: '2026-01-01T00:00:00.000Z',
      },
    });
    for (const run of ['waits', 'handed']) await jet.events.append({ kind: 'run', id: run }, 0, [queued(run)]);
    const dispatched = { id: 'd', type: 'run.dispatched', data: { run: 'handed', attempt: 1, pool: 'arm' } } as const;
    await jet.events.append({ kind: 'run', id: 'handed' }, 5, [dispatched]);
    const line = { time: '2026-01-01T00:00:00Z', attempt: 1, stream: 'stdout', text: 'x' } as never;
    // Between the moment of the events and that of the output: another life of Plinth.
    for (const run of ['handed', 'later']) await jet.logs.append(run, [line]);
    const path = join(dir.path, 'folder');
    await backup({ jet, path });
    const to = await empty();
    expect(await restore({ jet: to, path })).toMatchObject({ dispatched: 1, forgotten: 1 });
    const { promise: taken, resolve } = Promise.withResolvers<object>();
    const consumer = to.dispatch.consume('arm', { slots: 1 }, async (message) => {
      resolve({ run: message.run, attempt: message.attempt });
      await message.ack();
    });
    expect(await taken).toEqual({ run: 'handed', attempt: 1 });
    await consumer.close();
    const subjects = (await to.jsm.streams.info(streams.logs, { subjects_filter: '>' })).state.subjects ?? {};
    expect(Object.keys(subjects).sort()).toEqual(['plinth.logs.handed', 'plinth.logs.old']);
  });

  it('that is damaged is refused before anything is changed', async () => {
    const path = join(dir.path, 'folder');
    await backup({ jet, path });
    const to = await empty();
    const file = join(path, streams.events, 'stream.tar.s2');
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, -1));
    await expect(restore({ jet: to, path })).rejects.toThrow(/stream\.tar\.s2 is damaged/);
    await writeFile(file, whole);
    await appendFile(join(path, 'manifest.json'), ' ');
    await verifyBackup(path);
    const manifest = await readFile(join(path, 'manifest.json'), 'utf8');
    await writeFile(join(path, 'manifest.json'), manifest.replace('"position": 3', '"position": 4'));
    await expect(restore({ jet: to, path })).rejects.toThrow(/manifest\.json was changed/);
    await expect(restore({ jet: to, path: join(dir.path, 'none') })).rejects.toThrow(/There is no backup/);
    expect(await contents(to)).toEqual({});
    expect((await readdir(dir.path)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it('names streams of Plinth and files of its own alone: another manifest deletes and reads nothing', async () => {
    const path = join(dir.path, 'folder');
    await backup({ jet, path });
    const good = await verifyBackup(path);
    const to = await empty();
    await to.jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'] });
    const others = [...good.manifest.streams];
    const events = others.pop()!;
    const lease = others.find(({ name }) => name === 'KV_leases')!;
    const outside = { file: '../outside', sha256: createHash('sha256').update('x').digest('hex'), bytes: 1 };
    await writeFile(join(dir.path, 'outside'), 'x');
    const hostile: Partial<Manifest>[] = [
      { streams: [{ ...lease, name: 'ORDERS', config: { name: 'ORDERS' } }, ...good.manifest.streams] },
      { streams: [{ ...lease, config: { ...lease.config, name: 'ORDERS' } }, ...good.manifest.streams] },
      { streams: [...others, { ...events, ...outside }] },
      { streams: [...others, { ...events, file: null }] },
      { key: outside as never },
    ];
    for (const change of hostile) {
      await writeFile(join(path, 'manifest.json'), writeManifest({ ...good.manifest, ...change }));
      const refused = restore({ jet: to, path, keyFile: join(dir.path, 'new.key'), replace: true });
      await expect(refused).rejects.toThrow(/none of a backup of Plinth.*Nothing was changed/);
    }
    expect(Object.keys(await contents(to))).toEqual(['ORDERS']);
    expect(await readdir(dir.path)).not.toContain('new.key');
  });

  it('is readable for its owner alone, whatever was left at the name of what is unfinished', async () => {
    const path = join(dir.path, 'x.tar');
    await writeFile(join(dir.path, 'theirs'), 'theirs', { mode: 0o666 });
    await symlink(join(dir.path, 'theirs'), `${path}.partial`);
    await backup({ jet, path });
    expect((await lstat(path)).isFile()).toBe(true);
    expect((await lstat(path)).mode & 0o077).toBe(0);
    expect(await readFile(join(dir.path, 'theirs'), 'utf8')).toBe('theirs');
  });

  it('takes the keys along where that is asked for, and never puts them over others', async () => {
    const [path, keyFile, other] = ['folder', 'plinth.key', 'other.key'].map((name) => join(dir.path, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(keyFile, 'k1 secret\n', { mode: 0o600 });
    await backup({ jet, path, keyFile });
    const to = await empty();
    await writeFile(other, 'k2 other\n');
    await expect(restore({ jet: to, path, keyFile: other })).rejects.toThrow(/holds other keys/);
    expect(await contents(to)).toEqual({});
    expect((await restore({ jet: to, path, keyFile: join(dir.path, 'new.key') })).key).toBe('Restored');
    expect(await readFile(join(dir.path, 'new.key'), 'utf8')).toBe('k1 secret\n');
  });

  it('is streamed from an archive as from a folder', async () => {
    const path = join(dir.path, 'x.tar');
    await backup({ jet, path });
    const { files, manifest } = await verifyBackup(path);
    const events = manifest.streams.at(-1)!;
    expect(events.name).toBe(streams.events);
    let bytes = 0;
    for await (const chunk of Readable.from(files.read(events.file!))) bytes += (chunk as Uint8Array).length;
    expect(bytes).toBe(events.bytes);
  });
});
