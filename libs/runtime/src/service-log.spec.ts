import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryJet, silentLogger, systemClock, type Projection } from '#libs/event-log';
import { Health } from '#libs/service';
import { tempDir, type TempDir } from '#libs/testing';
import { ServiceLog } from './service-log.js';

describe('the log of a service', () => {
  let dir: TempDir;
  beforeEach(async () => {
    dir = await tempDir('service-log');
  });
  afterEach(() => dir.remove());

  it('does not start on half of the log: a projection that cannot go on is the reason that is given', async () => {
    const jet = new MemoryJet();
    const reference = 'docker.io/library/node:22';
    await jet.events.append({ kind: 'tag', id: reference }, 0, [
      { id: 'e1', type: 'tag.watched', data: { reference }, causation: null, correlation: null, traceparent: null },
    ]);
    const broken: Projection = {
      name: 'broken',
      version: 1,
      schema: '',
      open: () => undefined,
      apply: () => {
        throw new Error('cannot read this');
      },
    };
    const failures: Error[] = [];
    const log = new ServiceLog({
      name: 'watcher',
      jet,
      dataDir: dir.path,
      projections: [broken],
      clock: systemClock,
      logger: silentLogger,
      health: new Health(),
      onFailure: (error) => failures.push(error),
    });
    await expect(log.start()).rejects.toThrow('cannot read this');
    expect(failures).toHaveLength(1);
    expect(await jet.dead.list({ after: 0, limit: 9 })).toMatchObject([
      {
        kind: 'event',
        source: 'watcher',
        subject: 'PLINTH_EVENTS 1',
        cause: expect.stringMatching(/cannot read this/),
      },
    ]);
    await log.stop();
  });
});
