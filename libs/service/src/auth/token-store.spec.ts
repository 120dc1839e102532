import { describe, expect, it } from 'vitest';
import { MemoryKvBucket } from '../kv-memory.js';
import { Redactor } from '../redactor.js';
import { allows, bearerToken } from './principal.js';
import { TokenStore } from './token-store.js';

const setUp = async () => {
  const bucket = new MemoryKvBucket();
  const redactor = new Redactor();
  let now = new Date('2026-01-01T00:00:00Z');
  const open = () => TokenStore.open({ bucket, redactor, now: () => now });
  return { bucket, redactor, open, at: (time: string) => (now = new Date(time)) };
};

describe('tokens', () => {
  it('are known by their hash only, in every process', async () => {
    const { bucket, redactor, open } = await setUp();
    const [here, there] = [await open(), await open()];
    const { token } = await here.create({ name: 'ci', scope: 'run', team: 'web' });
    expect(token).toMatch(/^plinth_[\w-]{43}$/);
    expect(await there.authenticate(token)).toMatchObject({ subject: 'ci', scope: 'run', team: 'web' });
    expect(await there.authenticate(`${token}x`)).toBeUndefined();
    expect(Buffer.from((await bucket.entries())[0]!.value).toString()).not.toContain(token);
    expect(redactor.redact(token)).toBe(Redactor.mark);
    expect(JSON.stringify(await there.list())).not.toMatch(/hash|plinth_/);
  });

  it('are refused everywhere as soon as they are revoked', async () => {
    const { open } = await setUp();
    const [here, there] = [await open(), await open()];
    const { token } = await here.create({ name: 'ci', scope: 'run', team: 'web' });
    const principal = await there.authenticate(token);
    expect(principal?.isValid?.()).toBe(true);
    await here.revoke('ci');
    expect(principal?.isValid?.()).toBe(false);
    expect(await here.authenticate(token)).toBeUndefined();
    expect(await there.authenticate(token)).toBeUndefined();
    await expect(here.revoke('ci')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const again = await there.create({ name: 'ci', scope: 'read', team: 'web' });
    expect(await here.authenticate(again.token)).toMatchObject({ scope: 'read' });
    expect(await here.authenticate(token)).toBeUndefined();
  });

  it('expire', async () => {
    const { open, at } = await setUp();
    const store = await open();
    const { token } = await store.create({ name: 'ci', scope: 'run', team: 'web', expiresAt: '2026-01-02T00:00:00Z' });
    expect(await store.authenticate(token)).toBeDefined();
    at('2026-01-02T00:00:00Z');
    expect(await store.authenticate(token)).toBeUndefined();
  });

  it('have a name of their own', async () => {
    const store = await (await setUp()).open();
    await store.adopt({ name: 'first', scope: 'admin', team: 'default', token: 'a-token-that-somebody-chose' });
    await expect(store.create({ name: 'first', scope: 'read', team: 'default' })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    expect(await store.authenticate('a-token-that-somebody-chose')).toMatchObject({ scope: 'admin' });
  });
});

describe('scopes', () => {
  it('include the smaller ones', () => {
    expect(allows('admin', 'read')).toBe(true);
    expect(allows('write', 'run')).toBe(true);
    expect(allows('run', 'write')).toBe(false);
    expect(allows('read', 'run')).toBe(false);
  });
  it('come with a bearer token and nothing else', () => {
    expect(bearerToken('Bearer abc')).toBe('abc');
    expect(bearerToken('bearer abc=')).toBe('abc=');
    expect(bearerToken('Basic abc')).toBeUndefined();
    expect(bearerToken('Bearer a b')).toBeUndefined();
    expect(bearerToken(undefined)).toBeUndefined();
  });
});
