import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KvBucket } from '../kv.js';
import { MemoryKvBucket } from '../kv-memory.js';
import { Redactor } from '../redactor.js';
import { createKeyFile, readKeyFile } from './key-file.js';
import { ownPrefix, SecretStore } from './secret-store.js';

let folder: string;
let keyFile: string;
let bucket: MemoryKvBucket;
let redactor: Redactor;
const open = (environment: Record<string, string> = {}) => SecretStore.open({ bucket, keyFile, redactor, environment });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plinth-secrets-'));
  keyFile = join(folder, 'keys', 'plinth.key');
  await createKeyFile(keyFile);
  bucket = new MemoryKvBucket();
  redactor = new Redactor();
});
afterEach(() => rm(folder, { recursive: true }));

describe('stored secrets', () => {
  it('are opened by name and by version', async () => {
    const store = await open();
    expect(await store.set('npm', 'first value')).toMatchObject({ name: 'npm', version: 1 });
    expect(await store.set('npm', 'second value')).toMatchObject({ version: 2 });
    expect(await store.open('npm')).toBe('second value');
    expect(await store.open('npm@1')).toBe('first value');
    await expect(store.open('npm@3')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.list()).toMatchObject([{ name: 'npm', version: 2 }]);
  });

  it('are sealed where they are kept, and taken out of logs', async () => {
    const store = await open();
    await store.set('npm', 'hunter2hunter2');
    const kept = (await bucket.entries()).map(({ value }) => Buffer.from(value).toString()).join();
    expect(kept).not.toContain('hunter2');
    const other = new Redactor();
    await (await SecretStore.open({ bucket, keyFile, redactor: other })).open('npm');
    expect(other.redact('token=hunter2hunter2')).toBe(`token=${Redactor.mark}`);
  });

  it('cannot be put in the place of another, nor be changed', async () => {
    const store = await open();
    await store.set('a', 'value of a');
    await store.set('b', 'value of b');
    const key = (name: string) => `${Buffer.from(name).toString('base64url')}.1`;
    await bucket.put(key('b'), (await bucket.get(key('a')))!.value);
    await expect(store.open('b')).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });

  it('never mean another value under the same version, even after they were deleted', async () => {
    const store = await open();
    await store.set('npm', 'old value');
    await store.delete('npm');
    await expect(store.open('npm')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.delete('npm')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.list()).toEqual([]);
    expect(await store.set('npm', 'new value')).toMatchObject({ version: 2 });
    await expect(store.open('npm@1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('that are stored twice at once become two versions', async () => {
    const store = await open();
    await Promise.all([store.set('npm', 'one one one'), store.set('npm', 'two two two')]);
    const values = [await store.open('npm@1'), await store.open('npm@2')];
    expect(values.sort()).toEqual(['one one one', 'two two two']);
  });

  it('of a name that two teams take at once are those of one team, whatever the order of their steps', async () => {
    // Each call of the bucket takes its turn; which of the two goes next is what the schedule says.
    const schedules = Array.from({ length: 256 }, (_, bits) =>
      Array.from({ length: 8 }, (_turn, bit) => (bits >> bit) & 1),
    );
    for (const schedule of schedules) {
      const shared = new MemoryKvBucket();
      const waiting: (() => void)[][] = [[], []];
      const inTurn = (who: number): KvBucket =>
        new Proxy<KvBucket>(shared, {
          get:
            (target, method: keyof KvBucket) =>
            async (...args: never[]) => {
              await new Promise<void>((resolve) => waiting[who]!.push(resolve));
              return (target[method] as (...of: never[]) => unknown).apply(target, args);
            },
        });
      const store = async (who: number, team: string) => {
        const requireOwn = (of: string): void => {
          if (of !== team) throw new Error(`of ${of}`);
        };
        const own = await SecretStore.open({ bucket: inTurn(who), keyFile, redactor });
        return own.set('npm', `value of ${team}`, { team, requireOwn });
      };
      let ended = 0;
      const all = Promise.allSettled(['red', 'blue'].map((team, who) => store(who, team).finally(() => ended++)));
      for (let turn = 0; ended < 2; turn++) {
        const first = waiting[schedule[turn % schedule.length]!]!;
        (first.shift() ?? waiting.find((one) => one.length > 0)?.shift())?.();
        await new Promise(setImmediate);
      }
      const settled = await all;
      expect(settled.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const reader = await SecretStore.open({ bucket: shared, keyFile, redactor });
      const info = await reader.info('npm');
      expect(await reader.open('npm', info!.team)).toBe(`value of ${info!.team}`);
      expect(await reader.open('npm@1', info!.team)).toBe(`value of ${info!.team}`);
    }
  });

  it('survive a rotation of the keys', async () => {
    await (await open()).set('npm', 'a value');
    const [comment, old] = (await readFile(keyFile, 'utf8')).split('\n');
    const fresh = `k2 ${Buffer.alloc(32, 7).toString('base64')}`;
    await writeFile(keyFile, [comment, fresh, old].join('\n'));
    const both = await open();
    expect(await both.open('npm')).toBe('a value');
    expect(await both.reseal()).toEqual({ key: 'k2', resealed: 1 });
    await writeFile(keyFile, fresh);
    expect(await (await open()).open('npm')).toBe('a value');
  });

  it('are sealed anew without a restart, those of Plinth itself too, and opened by processes that run', async () => {
    const [here, there] = [await open(), await open()];
    await here.set('npm', 'a value');
    await here.set('npm', 'another value');
    await here.set(`${ownPrefix}webhook/ci`, 'of our own');
    const old = await readFile(keyFile, 'utf8');
    const fresh = `k2 ${Buffer.alloc(32, 7).toString('base64')}`;
    await writeFile(keyFile, `${fresh}\n${old}`);
    expect(await here.reseal()).toEqual({ key: 'k2', resealed: 3 });
    expect(await here.reseal()).toEqual({ key: 'k2', resealed: 0 });
    expect(await there.open('npm@1')).toBe('a value');
    expect(await there.open(`${ownPrefix}webhook/ci`)).toBe('of our own');
    await writeFile(keyFile, fresh);
    expect(await (await open()).open('npm')).toBe('another value');
    expect((await here.list()).map(({ name }) => name)).toEqual(['npm']);
  });

  it('cannot be sealed anew with a key file that is not usable, and stay as they are', async () => {
    const store = await open();
    await store.set('npm', 'a value');
    const good = await readFile(keyFile, 'utf8');
    await writeFile(keyFile, 'k2 short');
    await expect(store.reseal()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    await writeFile(keyFile, `k2 ${Buffer.alloc(32, 7).toString('base64')}`);
    await expect(store.reseal()).rejects.toThrow(/not in the key file. Put that key back/);
    await writeFile(keyFile, good);
    expect(await store.open('npm')).toBe('a value');
  });

  it('are opened for the team that stored them, for others when it shares them', async () => {
    const store = await open();
    expect(await store.set('npm', 'a value', { team: 'web' })).toMatchObject({ team: 'web', shared: false });
    expect(await store.open('npm', 'web')).toBe('a value');
    await expect(store.open('npm', 'shop')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await store.open('npm')).toBe('a value');
    // It stays with its team, whoever stores the next version.
    expect(await store.set('npm', 'a newer value', { team: 'shop', shared: true })).toMatchObject({ team: 'web' });
    expect(await store.open('npm', 'shop')).toBe('a newer value');
    expect(await store.set('npm', 'the newest value')).toMatchObject({ shared: true });
    await store.delete('npm');
    expect(await store.set('npm', 'of others', { team: 'shop' })).toMatchObject({ team: 'shop', shared: false });
    await expect(store.open('npm', 'web')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});

describe('other places of secrets', () => {
  it('are variables and files, without the line break at their end', async () => {
    const store = await open({ NPM: 'from the environment' });
    expect(await store.open('env:NPM')).toBe('from the environment');
    const file = join(folder, 'npm');
    await writeFile(file, 'from a file\n');
    expect(await store.open(`file:${file}`)).toBe('from a file');
    await expect(store.open('env:NONE')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.open(`file:${file}-none`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are never those of Plinth itself', async () => {
    const store = await open({ PLINTH_NATS_PASSWORD: 'nats password' });
    await expect(store.open('env:PLINTH_NATS_PASSWORD')).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    // A folder may have two names, as /var/run and /run have.
    await symlink(join(folder, 'keys'), join(folder, 'alias'));
    await expect(store.open(`file:${folder}/alias/plinth.key`)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('is the key file of Plinth itself'),
    });
    await expect(store.open(`file:${folder}/keys/../keys/plinth.key`)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
    });
  });
});

describe('the key file', () => {
  it('is refused when others can read it, with the command that mends it', async () => {
    await chmod(keyFile, 0o644);
    await expect(open()).rejects.toThrow(`chmod 600 ${keyFile}`);
  });
  it('is never made over another one', async () => {
    await expect(createKeyFile(keyFile)).rejects.toMatchObject({ code: 'KEY_FILE_UNUSABLE' });
  });
  it('is refused with the line that is no key', async () => {
    await writeFile(keyFile, '# keys\nk1 c2hvcnQ=\n');
    await expect(readKeyFile(keyFile)).rejects.toThrow('Line 2');
    await writeFile(keyFile, '# keys\n');
    await expect(readKeyFile(keyFile)).rejects.toThrow('no key');
  });
});

describe('what a service may open outside the store', () => {
  const limited = (environment: Record<string, string> = {}) =>
    SecretStore.open({
      bucket,
      keyFile,
      redactor,
      environment,
      folders: [join(folder, 'mounted')],
      variables: ['NPM'],
    });

  it('is what lies below the listed folders, links followed', async () => {
    await mkdir(join(folder, 'mounted'));
    await writeFile(join(folder, 'mounted', 'npm'), 'from a file\n');
    await writeFile(join(folder, 'other'), 'not for tasks');
    await symlink(join(folder, 'other'), join(folder, 'mounted', 'link'));
    const store = await limited();
    expect(await store.open(`file:${folder}/mounted/npm`)).toBe('from a file');
    for (const path of [
      `${folder}/other`,
      `${folder}/mounted/../other`,
      `${folder}/mounted/link`,
      `${folder}/mounted`,
    ]) {
      await expect(store.open(`file:${path}`)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    }
  });

  it('is the listed variables, and those that are named for it', async () => {
    const store = await limited({ NPM: 'one', PLINTH_SECRET_PUSH: 'two', AWS_SECRET_ACCESS_KEY: 'three' });
    expect(await store.open('env:NPM')).toBe('one');
    expect(await store.open('env:PLINTH_SECRET_PUSH')).toBe('two');
    await expect(store.open('env:AWS_SECRET_ACCESS_KEY')).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });
});
