import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '#libs/client';
import { isPlinthError, services } from '#libs/contracts';
import { Services } from '../support/services.js';

/** `OK`, or the code of the refusal. Asks for what every service answers: the stream of events. */
const answerOf = async (client: Client): Promise<string> => {
  try {
    for await (const _event of client.watchEvents({ after: 0 })) return 'OK';
    return 'nothing';
  } catch (error) {
    if (isPlinthError(error)) return error.code;
    throw error;
  }
};

describe('tokens, with the four services as processes of their own', () => {
  let cluster: Services;
  const everywhere = (token: string): Promise<string[]> =>
    Promise.all(services.map((service) => answerOf(cluster.client(service, token))));
  /** Resolves when every process answers so; a token travels through the bucket. */
  const until = async (token: string, wanted: string): Promise<void> => {
    while ((await everywhere(token)).some((answer) => answer !== wanted)) await delay(10);
  };
  const step = {
    type: 'Docker' as const,
    contextPath: 'https://git.test/app.git',
    imageNames: ['registry.test/app:1'],
  };

  beforeAll(async () => {
    cluster = await Services.start();
    await cluster.client('scheduler').createTask({ name: 'app', step });
  });
  afterAll(() => cluster?.stop());

  it('are known to all once they are made, and to none once they are revoked', async () => {
    const { token } = await cluster.client('scheduler').createToken({ name: 'ci', scope: 'read' });
    await until(token, 'OK');
    await cluster.client('scheduler').revokeToken({ name: 'ci' });
    await until(token, 'UNAUTHENTICATED');
    expect(await everywhere(cluster.token)).toEqual(['OK', 'OK', 'OK', 'OK']);
  });

  it('end what they opened: a stream of a revoked token shows nothing more', async () => {
    const admin = cluster.client('scheduler');
    const { token } = await admin.createToken({ name: 'watcher', scope: 'read' });
    await until(token, 'OK');
    const streams = services.map(async (service) => {
      for await (const _event of cluster.client(service, token).watchEvents({ after: 0 })) {
        // Reads on until it is told to stop.
      }
    });
    const ends = Promise.allSettled(streams);
    await admin.revokeToken({ name: 'watcher' });
    await until(token, 'UNAUTHENTICATED');
    // Whatever happens next is not for them.
    await admin.updateTask({ name: 'app', timeout: 600 });
    expect(await ends).toMatchObject(services.map(() => ({ reason: { code: 'UNAUTHENTICATED' } })));
  });

  it('are over everywhere when their time is', async () => {
    const expiresAt = new Date(Date.now() + 1500).toISOString();
    const { token } = await cluster.client('scheduler').createToken({ name: 'short', scope: 'read', expiresAt });
    await until(token, 'UNAUTHENTICATED');
    const { tokens } = await cluster.client('scheduler').listTokens();
    expect(tokens.find(({ name }) => name === 'short')).toMatchObject({ expiresAt });
  });

  it('are still revoked everywhere after the log was away', async () => {
    const admin = cluster.client('scheduler');
    const { token } = await admin.createToken({ name: 'outlasting', scope: 'read' });
    await until(token, 'OK');
    await cluster.nats.kill();
    await cluster.nats.restart();
    const revoke = async (): Promise<void> => {
      try {
        await admin.revokeToken({ name: 'outlasting' });
      } catch (error) {
        // While the connection comes back.
        if (isPlinthError(error) && error.code === 'NOT_FOUND') return;
        await delay(100);
        return revoke();
      }
    };
    await revoke();
    await until(token, 'UNAUTHENTICATED');
  });

  it('do not open secrets: these are sealed anew under a new key, and every process goes on', async () => {
    const admin = cluster.client('scheduler');
    await admin.setSecret({ name: 'hook', value: 'Bearer of the hook' });
    await cluster.client('watcher').createRegistry({
      host: 'registry.test',
      poll: { intervalSeconds: 86_400 },
      notifications: { dialect: 'distribution', secret: 'hook' },
    });
    const notify = async (): Promise<number> => {
      const { status } = await fetch(`${cluster.processes.watcher.url}/v1/hooks/distribution/registry.test`, {
        method: 'POST',
        headers: { authorization: 'Bearer of the hook' },
        body: JSON.stringify({ events: [] }),
      });
      return status;
    };
    while ((await notify()) === 401) await delay(10); // the watcher learns of its registry from the log
    const old = await readFile(cluster.keyFile, 'utf8');
    const fresh = `k2 ${randomBytes(32).toString('base64')}\n`;
    await writeFile(cluster.keyFile, fresh + old);
    expect(await admin.resealSecrets({})).toEqual({ key: 'k2', resealed: 1 });
    await writeFile(cluster.keyFile, fresh);
    expect(await notify()).toBe(202);
    expect(await admin.getSecret({ name: 'hook' })).toMatchObject({
      version: 1,
      usedBy: [{ kind: 'Registry', name: 'registry.test', field: 'notifications.secret' }],
    });
  });
});
