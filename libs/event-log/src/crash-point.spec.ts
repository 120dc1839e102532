import { describe, expect, it } from 'vitest';
import { crashPoints } from './crash-point.js';

describe('crash points', () => {
  it('kill the process the time that was asked for, and at no other point', () => {
    let killed = 0;
    const crashPoint = crashPoints('log.appended:3', () => killed++);
    for (const name of ['log.appended', 'projection.committed', 'log.appended']) crashPoint(name);
    expect(killed).toBe(0);
    crashPoint('log.appended');
    expect(killed).toBe(1);
  });

  it('do nothing when nothing was asked for', () => {
    expect(() => crashPoints(undefined)('log.appended')).not.toThrow();
  });

  it('refuse what is not a name and a count', () => {
    expect(() => crashPoints('log.appended:often')).toThrow(/expected a name and a count/);
  });
});
