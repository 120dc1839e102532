import { describe, expect, it } from 'vitest';
import type { HookRequest } from './dialect.js';
import { authorization, hubSignature, proves, type Proof, type SecretProof } from './proof.js';

const request = (headers: HookRequest['headers'], body = ''): HookRequest => ({ headers, body: Buffer.from(body) });
const by = (proof: Proof) => proof as SecretProof;

describe('a secret in the header Authorization', () => {
  it.each(['s3cret:word', 'Bearer s3cret:word', 'Basic czNjcmV0OndvcmQ='])('is known as %s', (value) => {
    expect(proves(by(authorization), request({ authorization: value }), 's3cret:word')).toBe(true);
  });

  it.each(['', 's3cret:wor', 'bearer s3cret:word', 'Basic s3cret:word', 'Bearer ', undefined])(
    'is not known as %s',
    (value) => {
      expect(proves(by(authorization), request({ authorization: value }), 's3cret:word')).toBe(false);
    },
  );
});

describe('a signature of the body', () => {
  // The example of docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries.
  const secret = "It's a Secret to Everybody";
  const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';

  it('is right for the bytes that were signed, and for no others', () => {
    const signed = (body: string, value = signature) =>
      proves(by(hubSignature), request({ 'x-hub-signature-256': value }, body), secret);
    expect(signed('Hello, World!')).toBe(true);
    expect(signed('Hello, World')).toBe(false);
    expect(signed('Hello, World!', signature.slice('sha256='.length))).toBe(false);
    expect(signed('Hello, World!', signature.slice(0, -1))).toBe(false);
    expect(proves(by(hubSignature), request({ 'x-hub-signature-256': signature }, 'Hello, World!'), 'other')).toBe(
      false,
    );
  });
});

describe('an empty secret', () => {
  it('proves nothing', () => {
    expect(proves(by(authorization), request({ authorization: '' }), '')).toBe(false);
    expect(proves(by({ by: 'header', name: 'x-api-key' }), request({ 'x-api-key': '' }), '')).toBe(false);
  });
});
