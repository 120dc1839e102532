import { describe, expect, it } from 'vitest';
import { PlinthError } from '#libs/contracts';
import { silentLogger } from '#libs/event-log';
import type { RawRequest } from '#libs/service';
import type { WatcherService } from '../watcher.service.js';
import { HookHandler } from './hook.handler.js';

const setUp = (open: () => Promise<string>) => {
  const notifications = { dialect: 'distribution', secret: 'hook-of-registry' };
  return new HookHandler({
    registries: { definitionOf: (host: string) => (host === 'registry.test' ? { notifications } : undefined) },
    runtime: { secrets: { open }, logger: silentLogger, clock: { now: () => new Date(0) } },
    notifiedAt: new Map(),
  } as unknown as WatcherService);
};
const request = (registry: string): RawRequest =>
  ({
    params: { dialect: 'distribution', registry },
    headers: { authorization: 'a guess' },
    body: Buffer.from('{"events":[]}'),
  }) as unknown as RawRequest;

describe('a notification of a stranger', () => {
  it('is refused alike whether the registry is unknown, its secret is wrong, or its secret cannot be opened', async () => {
    const right = setUp(() => Promise.resolve('the secret'));
    const gone = setUp(() => Promise.reject(new PlinthError('NOT_FOUND', 'There is no secret "hook-of-registry".')));
    const unknown = await right.handle(request('other.test')).catch((error: unknown) => error);
    const wrong = await right.handle(request('registry.test')).catch((error: unknown) => error);
    const broken = await gone.handle(request('registry.test')).catch((error: unknown) => error);
    for (const refusal of [unknown, wrong, broken]) expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((broken as Error).message).toBe((wrong as Error).message);
    expect((broken as Error).message).not.toContain('hook-of-registry');
  });
});
