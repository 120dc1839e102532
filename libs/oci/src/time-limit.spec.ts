import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimeLimit } from './time-limit.js';

describe('a time limit', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('aborts when the time is over, as a time-out', () => {
    using limit = new TimeLimit(1_000);
    vi.advanceTimersByTime(999);
    expect(limit.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(limit.isOver).toBe(true);
    expect(limit.signal.reason).toMatchObject({ name: 'TimeoutError', message: 'It took longer than 1000 ms.' });
  });

  it('aborts when the outer signal does, for its reason', () => {
    const outer = new AbortController();
    using limit = new TimeLimit(1_000, outer.signal);
    outer.abort(new Error('no longer wanted'));
    expect(limit.signal.reason).toEqual(new Error('no longer wanted'));
    expect(limit.isOver).toBe(false);
  });

  it('is aborted from the beginning where the outer signal is', () => {
    using limit = new TimeLimit(1_000, AbortSignal.abort('gone'));
    expect(limit.signal.reason).toBe('gone');
  });

  it('leaves no timer and no listener behind', () => {
    const outer = new AbortController();
    {
      using limit = new TimeLimit(1_000, outer.signal);
      expect(limit.signal.aborted).toBe(false);
      expect(vi.getTimerCount()).toBe(1);
    }
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(outer.signal, 'abort')).toEqual([]);
  });
});
