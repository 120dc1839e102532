import { describe, expect, it } from 'vitest';
import { contextAllow } from './allow.js';

describe('where contexts may come from, in the words of the operator', () => {
  it('is anywhere unless said', () => {
    expect(contextAllow.parse(undefined)).toBeUndefined();
    expect(contextAllow.parse('any')).toBeUndefined();
  });

  it.each([
    ['public', { '93.184.215.14': true, '10.20.0.1': false, '127.0.0.1': false, '169.254.169.254': false }],
    ['10.20.0.0/16, fd00::/8', { '93.184.215.14': true, '10.20.0.1': true, 'fd00::1': true, '10.21.0.1': false }],
  ])('%s is a policy', (text, judged) => {
    const policy = contextAllow.parse(text);
    for (const [address, permits] of Object.entries(judged)) expect(policy?.permits(address), address).toBe(permits);
  });

  it.each(['private', '10.0.0.0/40', 'public,', '10.0.0.1 10.0.0.2'])(
    '%j is refused, saying what was expected',
    (text) => {
      expect(() => contextAllow.parse(text)).toThrow('expected any, public, or networks as CIDRs');
    },
  );
});
