import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { goPrograms, hasGo, startNats, type NatsServer } from '#libs/testing';
import { eventLogConformance } from '../conformance/event-log.js';
import { Jet } from './jet.js';

/** The same suite against the newest nats-server that there is, built from source where Go is at hand. */
const binary = join(goPrograms, 'nats-server');

const build = async (): Promise<void> => {
  if (existsSync(binary)) return;
  mkdirSync(goPrograms, { recursive: true });
  await promisify(execFile)('go', ['install', 'github.com/nats-io/nats-server/v2@latest'], {
    env: { ...process.env, GOBIN: goPrograms },
  });
};

if (existsSync(binary) || hasGo()) {
  let nats: NatsServer;
  beforeAll(async () => {
    await build();
    nats = await startNats({ binary });
  }, 900_000);
  afterAll(() => nats?.stop());

  eventLogConformance('JetStreamEventLog on the newest nats-server', async () => {
    const jet = await Jet.connect({ servers: nats.url, name: 'newest' });
    await jet.provision();
    return {
      log: jet.events,
      purge: (before) => jet.purge(before),
      close: async () => {
        await jet.jsm.streams.delete('PLINTH_EVENTS');
        await jet.close();
      },
    };
  });
} else {
  it('is tried on the newest nats-server only where Go is on PATH, which builds it', () => {
    process.stdout.write('Go is not on PATH: the event log is not tried on the newest nats-server.\n');
    expect(existsSync(binary)).toBe(false);
  });
}
