import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, systemClock } from '#libs/event-log';
import { FakeClock, tempDir, toolPath, type TempDir } from '#libs/testing';
import { SupervisedNats } from './supervised-nats.js';

describe('a supervised nats-server', () => {
  let dir: TempDir;
  beforeEach(async () => {
    dir = await tempDir('supervised-nats');
  });
  afterEach(() => dir.remove());

  it.each([
    ['/nonexistent/nats-server', 'is not on PATH'],
    ['/bin/false', 'ended at once'],
  ])('that does not start (%s) is said, and nobody waits for it any longer', async (program, words) => {
    const clock = new FakeClock();
    const start = SupervisedNats.start({ folder: join(dir.path, 'nats'), clock, logger: silentLogger, program });
    await expect(start).rejects.toThrow(words);
    await expect.poll(() => clock.advance(300).then(() => clock.pending)).toBe(0);
  });

  it('is given a new password where a crash left an empty file', async () => {
    const folder = join(dir.path, 'nats');
    await mkdir(folder);
    await writeFile(join(folder, 'password'), '');
    await writeFile(join(folder, 'store-size'), '');
    const nats = await SupervisedNats.start({
      folder,
      clock: systemClock,
      logger: silentLogger,
      program: toolPath('nats-server'),
    });
    try {
      expect(nats.access.password).toHaveLength(32);
      expect(await readFile(join(folder, 'password'), 'utf8')).toBe(nats.access.password);
      expect((await stat(join(folder, 'nats-server.conf'))).mode & 0o777).toBe(0o600);
      expect(nats.maxFileStore).toBeGreaterThanOrEqual(1024 ** 3);
    } finally {
      await nats.stop();
    }
  });
});
