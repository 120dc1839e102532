import { describe, expect, it } from 'vitest';
import { MemoryJet, silentLogger } from '#libs/event-log';
import { FakeClock } from '#libs/testing';
import { Lease } from './lease.js';

const setUp = () => {
  const clock = new FakeClock();
  const bucket = new MemoryJet({ clock }).kv('leases');
  const changes: string[] = [];
  const lease = (holder: string) =>
    new Lease({
      bucket,
      key: 'webhooks',
      holder,
      clock,
      logger: silentLogger,
      onChange: (held) => void changes.push(`${holder} ${held ? 'holds' : 'lost'}`),
    });
  return { clock, bucket, changes, lease };
};

describe('a lease', () => {
  it('is held by one process at a time, and taken over when that one stops', async () => {
    const { clock, changes, lease } = setUp();
    const [here, there] = [lease('here'), lease('there')];
    await here.start();
    await there.start();
    await clock.advance(60_000);
    expect(changes).toEqual(['here holds']);
    await here.stop();
    await clock.advance(5_000);
    expect(changes).toEqual(['here holds', 'there holds']);
    await there.stop();
  });

  it('is taken over when its holder is silent, and taken back at once by one that starts again', async () => {
    const { clock, changes, lease, bucket } = setUp();
    await bucket.put('webhooks', Buffer.from('here'));
    const there = lease('there');
    await there.start();
    await clock.advance(10_000);
    expect(changes).toEqual([]);
    await clock.advance(10_000);
    expect(changes).toEqual(['there holds']);
    const again = lease('there');
    await again.start();
    expect(again.held).toBe(true);
    // The one before, if it still lives, learns it at its next renewal.
    await clock.advance(5_000);
    expect(changes).toContain('there lost');
  });
});
