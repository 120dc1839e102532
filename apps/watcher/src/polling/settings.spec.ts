import { describe, expect, it } from 'vitest';
import { pollSchema } from '#libs/contracts';
import { pollSettingsOf } from './settings.js';

const notifications = { dialect: 'distribution' as const };

describe('how a registry is polled', () => {
  it('is by a budget where nobody says otherwise, also when nobody made it known', () => {
    for (const definition of [undefined, { poll: {} }]) {
      const { pacing, limits } = pollSettingsOf('docker.io', definition);
      expect(pacing.kind).toBe('Budget');
      expect(limits).toEqual({ requestsPerSecond: 5, concurrency: 2 });
    }
  });

  it('is slowly where it notifies, unless a budget is said', () => {
    expect(pollSettingsOf('r.test', { poll: {}, notifications }).pacing).toEqual({
      kind: 'Interval',
      fromMs: 810_000,
      toMs: 990_000,
    });
    expect(pollSettingsOf('r.test', { poll: { requestsPerSecond: 2 }, notifications })).toMatchObject({
      pacing: { kind: 'Budget' },
      limits: { requestsPerSecond: 2 },
    });
  });

  it('is after a random time where that is said, within the limits that are said', () => {
    expect(
      pollSettingsOf('r.test', {
        poll: { randomSeconds: { from: 600, to: 3600 }, requestsPerSecond: 1, concurrency: 1 },
      }),
    ).toEqual({
      pacing: { kind: 'Interval', fromMs: 600_000, toMs: 3_600_000 },
      limits: { requestsPerSecond: 1, concurrency: 1 },
    });
  });

  it.each([
    [{ intervalSeconds: 5, randomSeconds: { from: 1, to: 2 } }, 'randomSeconds'],
    [{ randomSeconds: { from: 3, to: 2 } }, 'randomSeconds.to'],
    [{ requestsPerSecond: 0 }, 'requestsPerSecond'],
    [{ concurrency: 0 }, 'concurrency'],
  ])('is refused when it says %j', (poll, field) => {
    expect(pollSchema.safeParse(poll).error?.issues.map(({ path }) => path.join('.'))).toEqual([field]);
  });
});
