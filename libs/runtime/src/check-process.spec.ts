import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiagnosticChecks, loadConfig } from '#libs/service';
import { FakeClock, tempDir } from '#libs/testing';
import { checkProcess } from './check-process.js';

const start = new Date('2026-01-01T00:00:00.000Z');

interface Facts {
  readonly host?: string;
  readonly version?: string;
  readonly serverTime?: Date | null;
  readonly problems?: string[];
  readonly keyMode?: number;
}

const findings = async ({
  host = '127.0.0.1',
  version = '2.12.0',
  serverTime = start,
  problems = [],
  keyMode = 0o600,
}: Facts) => {
  const { path } = await tempDir('check-process');
  const keyFile = join(path, 'key');
  await writeFile(keyFile, 'k');
  await chmod(keyFile, keyMode);
  await chmod(path, 0o700);
  const checks = new DiagnosticChecks();
  checkProcess(checks, {
    config: loadConfig({ PLINTH_DATA: path, PLINTH_HOST: host }),
    jet: {
      check: () => Promise.resolve(problems),
      server: () => Promise.resolve({ version, address: '127.0.0.1:4222', time: serverTime }),
    },
    keyFile,
    tokenFile: join(path, 'nothing'),
    clock: new FakeClock(start),
  });
  return (await checks.run()).flatMap((check) => check.findings.map(({ code }) => code));
};

describe('what a process says of itself', () => {
  it('is nothing when all is well; a key that its group may read is well', async () => {
    expect(await findings({})).toEqual([]);
    expect(await findings({ keyMode: 0o640 })).toEqual([]);
  });

  it.each<[string, Facts, string]>([
    ['a key that others can read', { keyMode: 0o604 }, 'FILE_EXPOSED'],
    ['a key that its group can change', { keyMode: 0o620 }, 'FILE_EXPOSED'],
    ['a port open to all', { host: '0.0.0.0' }, 'OPEN_PORT'],
    ['an old nats-server', { version: '2.10.20' }, 'SERVER_TOO_OLD'],
    ['a stream that is not as it must be', { problems: ['PLINTH_EVENTS: …'] }, 'STREAM_DIFFERENT'],
    ['a clock that is late', { serverTime: new Date(start.getTime() + 6000) }, 'CLOCK_SKEW'],
    ['a clock that is early', { serverTime: new Date(start.getTime() - 6000) }, 'CLOCK_SKEW'],
  ])('is %s', async (_what, facts, code) => expect(await findings(facts)).toEqual([code]));

  it('counts loopback by any name, and a server that does not say its time, as well', async () => {
    for (const host of ['127.0.0.1', '127.0.0.2', '::1', 'localhost']) expect(await findings({ host })).toEqual([]);
    expect(await findings({ serverTime: null })).toEqual([]);
  });
});
