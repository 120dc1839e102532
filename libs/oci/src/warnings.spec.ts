import { describe, expect, it } from 'vitest';
import { parseWarnings } from './warnings.js';

describe('parseWarnings', () => {
  it('reads every 299, in one header or many, and nothing else', () => {
    expect(parseWarnings('299 - "old, going away", 110 cache "stale", 299 r.io "say \\"hi\\""')).toEqual([
      'old, going away',
      'say "hi"',
    ]);
    expect(parseWarnings(['299 - "a"', '299 - "b\u001b[31m"'])).toEqual(['a', 'b [31m']);
    expect(parseWarnings('nonsense')).toEqual([]);
  });
});
