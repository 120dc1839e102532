import { describe, expect, it } from 'vitest';
import { DiagnosticChecks, problem, warning } from './diagnostics.js';

describe('what is looked at when somebody asks what is wrong', () => {
  it('is every check, with what it found and what it looked at', async () => {
    const checks = new DiagnosticChecks();
    checks.register('well', 'what is well', () => []);
    checks.register('ill', 'what is ill', () => Promise.resolve([problem('BROKEN', 'It is broken.', 'mend it')]));
    expect(await checks.run()).toEqual([
      { name: 'well', looked: 'what is well', findings: [] },
      {
        name: 'ill',
        looked: 'what is ill',
        findings: [{ code: 'BROKEN', severity: 'Problem', text: 'It is broken.', next: 'mend it' }],
      },
    ]);
  });

  it('goes on when a check fails: that, too, is a finding', async () => {
    const checks = new DiagnosticChecks();
    checks.register('throws', 'nothing', () => {
      throw new Error('no such disk');
    });
    checks.register('other', 'something', () => [warning('OLD', 'It is old.', 'renew it')]);
    const [first, second] = await checks.run();
    expect(first?.findings).toMatchObject([{ code: 'CHECK_FAILED', text: 'The check itself failed: no such disk' }]);
    expect(second?.findings).toMatchObject([{ code: 'OLD', severity: 'Warning' }]);
    expect(() => checks.register('other', '', () => [])).toThrow(/already/);
  });
});
