import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Redactor } from './redactor.js';

const secrets = fc
  .string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' })
  .filter((text) => text.trim().length >= 8);

describe('the redactor', () => {
  it('takes a value out of a text, whatever stands around it', () => {
    fc.assert(
      fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
        const redactor = new Redactor();
        redactor.add(secret);
        expect(redactor.redact(`${before}${secret}${after}`)).not.toContain(secret);
      }),
    );
  });

  it.each([
    ['as it is', (secret: string) => secret],
    ['in base64', (secret: string) => Buffer.from(secret).toString('base64')],
    ['in base64 behind a user name', (secret: string) => Buffer.from(`user:${secret}`).toString('base64')],
    ['in base64 between other bytes', (secret: string) => Buffer.from(`ab${secret}cd`).toString('base64')],
    ['in base64 for URLs', (secret: string) => Buffer.from(secret).toString('base64url')],
    ['in a URL', (secret: string) => `https://u:${encodeURIComponent(secret)}@host/`],
    ['in a form', (secret: string) => new URLSearchParams({ password: secret }).toString()],
    ['in JSON', (secret: string) => JSON.stringify({ password: secret })],
  ])('knows it %s', (_how, write) => {
    const secret = 'pa"ss wörd/+?&=\n42';
    const redactor = new Redactor();
    redactor.add(secret);
    const text = redactor.redact(write(secret));
    expect(text).toContain(Redactor.mark);
    expect(text).not.toMatch(/pa.ss|cGEi|42$/);
  });

  it('leaves other texts alone, and ignores values that stand in every text', () => {
    const redactor = new Redactor();
    redactor.add('a');
    redactor.add('');
    redactor.add('hunter2hunter2');
    expect(redactor.redact('a task ran')).toBe('a task ran');
  });
});
