import { describe, expect, it } from 'vitest';
import { absentMs, PoolPresence } from './pool-presence.js';

describe('a pool without builders', () => {
  const one = new Map([['gpu', 1]]);
  const none = new Map<string, number>();

  it('is absent after a minute, not before: builders are started again', () => {
    const presence = new PoolPresence();
    expect([...presence.absent(['gpu', 'arm'], none, 1_000)]).toEqual([]);
    expect([...presence.absent(['gpu', 'arm'], none, 1_000 + absentMs - 1)]).toEqual([]);
    expect([...presence.absent(['gpu', 'arm'], none, 1_000 + absentMs)]).toEqual(['gpu', 'arm']);
  });

  it('is there again with its first builder, and absent a minute after the last', () => {
    const presence = new PoolPresence();
    presence.absent(['gpu'], none, 0);
    expect([...presence.absent(['gpu'], one, absentMs)]).toEqual([]);
    expect([...presence.absent(['gpu'], none, absentMs + 1)]).toEqual([]);
    expect([...presence.absent(['gpu'], none, 2 * absentMs + 1)]).toEqual(['gpu']);
  });

  it('is absent at once for the next run that wants it', () => {
    const presence = new PoolPresence();
    presence.absent(['gpu'], none, 0);
    presence.absent([], none, absentMs);
    expect([...presence.absent(['gpu'], none, absentMs + 1)]).toEqual(['gpu']);
  });
});
