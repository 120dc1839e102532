import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '#libs/event-log';
import { parseReference, RegistryClient } from '#libs/oci';
import { FakeClock } from '#libs/testing';
import {
  reply,
  startScriptedRegistry,
  type Script,
  type ScriptedRegistry,
} from '../../../../libs/oci/src/testing/scripted-registry.js';
import { Poller } from './poller.js';

const digest = `sha256:${'a'.repeat(64)}`;
const served = {
  'content-type': 'application/vnd.oci.image.index.v1+json',
  'content-length': '2',
  'docker-content-digest': digest,
};

describe('polling a registry over HTTP', () => {
  let stack = new AsyncDisposableStack();
  beforeEach(() => {
    stack = new AsyncDisposableStack();
  });
  afterEach(() => stack.disposeAsync());

  /** Each registry by its script; looks are real requests, and time is the test's. */
  const poll = async (...scripts: Script[]) => {
    const clock = new FakeClock(new Date());
    const registries: ScriptedRegistry[] = [];
    for (const script of scripts) registries.push(stack.use(await startScriptedRegistry(script)));
    const client = new RegistryClient({
      hosts: registries.map(({ host }) => ({ registry: host, scheme: 'http' as const })),
      onRequest: ({ registry, method, ms, rateLimit }) => poller.requested(registry, { method, ms, quota: rateLimit }),
    });
    stack.defer(() => client.close());
    const looks = new Set<Promise<unknown>>();
    const poller = new Poller({
      looker: {
        look: (reference) => {
          const look = client.headManifest(parseReference(reference), { retries: 0 }).then(() => undefined);
          const done = look.catch(() => undefined).finally(() => looks.delete(done));
          looks.add(done);
          return look;
        },
      },
      hostOf: (reference) => parseReference(reference).registry,
      settingsOf: () => ({
        pacing: { kind: 'Interval', fromMs: 1_000, toMs: 1_000 },
        limits: { requestsPerSecond: 100, concurrency: 2 },
      }),
      factsOf: () => ({ repository: 'app', dependants: 1, since: 0, moves: [], lastLookAt: null }),
      clock,
      logger: silentLogger,
      random: () => 0,
    });
    for (const { host } of registries) poller.add(`${host}/app:1`);
    poller.start();
    stack.defer(() => poller.stop());
    /** Second by second, each when the requests of the last are answered. */
    const pass = async (seconds: number) => {
      for (let second = 0; second <= seconds; second += 1) {
        await Promise.all(looks);
        await clock.advance(second === 0 ? 0 : 1_000);
        await Promise.all(looks);
      }
      await clock.advance(0);
    };
    const heads = (index: number) => registries[index]!.requests.filter(({ method }) => method === 'HEAD').length;
    return { poller, registries, pass, heads };
  };

  const answers: Script = ({ method }, response) => reply(response, 200, method === 'HEAD' ? served : {});
  const limitsOnce =
    (retryAfter: () => string): Script =>
    ({ method }, response, nth) => {
      if (method === 'HEAD' && nth === 1) reply(response, 429, { 'retry-after': retryAfter() }, 'slow down');
      else reply(response, 200, method === 'HEAD' ? served : {});
    };

  it.each([
    ['seconds', () => '120'],
    ['a date', () => new Date(Date.now() + 120_000).toUTCString()],
  ])('waits as long as 429 says in %s, while another registry is asked as before', async (_form, retryAfter) => {
    const { poller, registries, pass, heads } = await poll(limitsOnce(retryAfter), answers);
    await pass(100);
    expect(heads(0)).toBe(1);
    expect(heads(1)).toBeGreaterThanOrEqual(99);
    expect(poller.view(registries[0]!.host)).toMatchObject({ failures: 1, lastError: { message: expect.any(String) } });
    await pass(30);
    expect(heads(0)).toBeGreaterThan(1);
    expect(poller.view(registries[0]!.host)).toMatchObject({ failures: 0, pausedUntil: null });
  });

  it('notices that looks spend the quota, and slows down to what pulls leave', async () => {
    let remaining = 200;
    const { poller, registries, pass, heads } = await poll(({ method }, response) => {
      if (method === 'HEAD') remaining -= 1;
      const quota = { 'ratelimit-limit': '200;w=21600', 'ratelimit-remaining': `${remaining};w=21600` };
      reply(response, 200, method === 'HEAD' ? { ...served, ...quota } : {});
    });
    await pass(200);
    expect(poller.view(registries[0]!.host)).toMatchObject({ looksCount: true, quota: { limit: 200 } });
    expect(heads(0)).toBeLessThan(30);
  });
});
