import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAttribute, encodeAttribute } from './cloud-events.js';

/** Any characters but lone surrogates, which are no characters. */
const unicode = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff })))
  .map((points) => String.fromCodePoint(...points));

describe('CloudEvents attributes in NATS headers', () => {
  it('come back as they were, for every Unicode string', () => {
    fc.assert(
      fc.property(unicode, (value) => {
        const encoded = encodeAttribute(value);
        expect(encoded).toMatch(/^[!-~]*$/);
        expect(encoded).not.toContain('"');
        expect(decodeAttribute(encoded)).toBe(value);
      }),
    );
  });

  it('are encoded as the examples of the specification', () => {
    expect(encodeAttribute('Euro € 😀')).toBe('Euro%20%E2%82%AC%20%F0%9F%98%80');
    expect(encodeAttribute('"quoted" 100%')).toBe('%22quoted%22%20100%25');
    expect(encodeAttribute('/plinth/watcher')).toBe('/plinth/watcher');
  });

  it('are decoded once, not twice', () => {
    expect(decodeAttribute('%2541')).toBe('%41');
  });

  it.each([
    ['overlong UTF-8', '%C0%A0'],
    ['a surrogate', '%ED%A0%80'],
    ['a cut sequence', '%E2%82'],
    ['a lone percent sign', '100%'],
    ['digits that are none', '%G1'],
    ['raw UTF-8', '€'],
    ['a control character', 'a\u0001b'],
    ['a line break', 'a\r\nb'],
  ])('are refused with %s', (_, value) => {
    expect(() => decodeAttribute(value)).toThrow(expect.objectContaining({ code: 'HEADER_INVALID' }));
  });

  it('cannot carry half a character', () => {
    expect(() => encodeAttribute('\ud800')).toThrow(expect.objectContaining({ code: 'HEADER_INVALID' }));
  });
});
