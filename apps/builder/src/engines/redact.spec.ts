import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactor } from './redact.js';

describe('secret values', () => {
  it('vanish from text, the longest first', () => {
    const redact = redactor({ A: 'abc', B: 'abcdef' });
    expect(redact('x abcdef y abc')).toBe('x *** y ***');
  });

  it('vanish line by line and as JSON writes them', () => {
    const redact = redactor({ KEY: '-----BEGIN\nline "one"\n}\nend-of-key' });
    expect(redact('line "one"')).toBe('***');
    expect(redact('"line \\"one\\""')).toBe('"***"');
    expect(redact('if {}')).toBe('if {}');
  });

  it('vanish as they stand in single quotes', () => {
    const redact = redactor({ KEY: "it's here" });
    expect(redact(`ARG KEY='it'"'"'s here'`)).toBe("ARG KEY='***'");
    expect(redact(`{"text":"ARG KEY='it'\\"'\\"'s here'"}`)).toBe(`{"text":"ARG KEY='***'"}`);
  });

  it('are nowhere in what is left', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string({ minLength: 4 }).filter((value) => !value.includes('*')),
        (around, secret) => {
          expect(redactor({ S: secret })(`${around}${secret}${around}`)).not.toContain(secret);
        },
      ),
    );
  });
});
