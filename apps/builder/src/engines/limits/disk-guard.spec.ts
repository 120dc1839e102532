import { describe, expect, it } from 'vitest';
import { DiskGuard } from './disk-guard.js';

/** A disk whose free space a test sets; builds run until their signal ends them. */
const disk = (limit: number) => {
  let free = 1_000;
  const guard = new DiskGuard('/', limit, () => Promise.resolve(free));
  const untilEnded = (signal: AbortSignal) =>
    new Promise<string>((resolve) => {
      if (signal.aborted) resolve('ended');
      signal.addEventListener('abort', () => resolve('ended'));
    });
  return { guard, untilEnded, take: (bytes: number) => (free -= bytes) };
};
const never = new AbortController().signal;

describe('a disk that builds fill', () => {
  it('ends the build that took more than it may', async () => {
    const { guard, untilEnded, take } = disk(100);
    const build = guard.watch(never, untilEnded);
    take(101);
    expect(await build).toEqual({ isAlone: true, bytes: 101 });
  });

  it('leaves a build alone that keeps within its limit, and one that only finds the disk full', async () => {
    const { guard, take } = disk(100);
    take(900);
    expect(await guard.watch(never, async () => take(100))).toBe(0);
  });

  it('ends all that ran together when nobody knows which it was, once they took more than all of them may', async () => {
    const { guard, untilEnded, take } = disk(100);
    const builds = [guard.watch(never, untilEnded), guard.watch(never, untilEnded)];
    // Both have begun when this one, the third, has.
    await guard.watch(never, () => Promise.resolve());
    take(201);
    expect(await Promise.all(builds)).toEqual([
      { isAlone: false, bytes: 201 },
      { isAlone: false, bytes: 201 },
    ]);
  });

  it('passes on the signal of whoever asked', async () => {
    const { guard, untilEnded } = disk(100);
    const controller = new AbortController();
    const build = guard.watch(controller.signal, untilEnded);
    controller.abort();
    expect(await build).toBe('ended');
  });
});
