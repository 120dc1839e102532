import { describe, expect, it } from 'vitest';
import { idempotently, KvIdempotencyStore, MemoryIdempotencyStore, type IdempotencyStore } from './idempotency.js';
import { MemoryKvBucket } from './kv-memory.js';

const hour = 3_600_000;
const stores: [string, (now: () => number) => IdempotencyStore][] = [
  ['in memory', (now) => new MemoryIdempotencyStore(now)],
  ['in a bucket', (now) => new KvIdempotencyStore(new MemoryKvBucket(), now)],
];

describe.each(stores)('answers kept %s', (_where, make) => {
  const setUp = () => {
    let time = 0;
    let runs = 0;
    const store = make(() => time);
    const ask = (
      input: unknown,
      more: { key?: string; subject?: string; run?: () => Promise<{ output: unknown }> } = {},
    ) =>
      idempotently(
        store,
        { key: more.key ?? 'k', subject: more.subject ?? 'ci', operation: 'createTask', input },
        more.run ?? (() => Promise.resolve({ output: ++runs })),
        () => time,
      );
    return { ask, pass: (ms: number) => (time += ms) };
  };

  it('are given again to the same request, spelt in another order too', async () => {
    const { ask } = setUp();
    expect(await ask({ a: 1, b: 2 })).toEqual({ output: 1 });
    expect(await ask({ b: 2, a: 1 })).toEqual({ output: 1 });
  });
  it('are refused to another request, and to nobody but the same caller', async () => {
    const { ask } = setUp();
    await ask({ a: 1 });
    await expect(ask({ a: 2 })).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await ask({ a: 2 }, { subject: 'somebody else' })).toEqual({ output: 2 });
  });
  it('are forgotten after a day', async () => {
    const { ask, pass } = setUp();
    await ask({});
    pass(25 * hour);
    expect(await ask({})).toEqual({ output: 2 });
  });
  it('are waited for while the first request runs, and not kept when it fails', async () => {
    const { ask } = setUp();
    let fail: (error: Error) => void = () => undefined;
    const first = ask({}, { run: () => new Promise((_resolve, reject) => (fail = reject)) });
    await expect(ask({})).rejects.toMatchObject({ code: 'CONFLICT' });
    fail(new Error('no luck'));
    await expect(first).rejects.toThrow('no luck');
    expect(await ask({})).toEqual({ output: 1 });
  });
  it('of a process that died hold their key for a minute only', async () => {
    const { ask, pass } = setUp();
    void ask({}, { run: () => new Promise(() => undefined) });
    await expect(ask({})).rejects.toMatchObject({ code: 'CONFLICT' });
    pass(61_000);
    expect(await ask({})).toEqual({ output: 1 });
  });
  it('need a key that is one', async () => {
    const { ask } = setUp();
    await expect(ask({}, { key: '' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(ask({}, { key: 'x'.repeat(256) })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
