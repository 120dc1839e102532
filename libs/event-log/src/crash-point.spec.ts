import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  it('follow a file, which may come later, and count anew when it changes', () => {
    const file = join(tmpdir(), `plinth-crash-point-${process.pid}`);
    let killed = 0;
    const crashPoint = crashPoints(`@${file}`, () => killed++);
    try {
      crashPoint('log.appended');
      writeFileSync(file, 'log.appended:2\n');
      for (let hits = 0; hits < 3; hits++) crashPoint('log.appended');
      expect(killed).toBe(1);
      rmSync(file);
      crashPoint('log.appended');
      writeFileSync(file, 'log.appended:2');
      crashPoint('log.appended');
      expect(killed).toBe(1);
      crashPoint('log.appended');
      expect(killed).toBe(2);
    } finally {
      rmSync(file, { force: true });
    }
  });

  it('refuse what is not a name and a count', () => {
    expect(() => crashPoints('log.appended:often')).toThrow(/expected a name and a count/);
  });
});
