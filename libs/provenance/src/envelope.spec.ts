import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isSealedBy, keyId, readSigningKey, seal, SigningKeyError } from './envelope.js';

const pemOf = (pair: { privateKey: { export(options: object): string | Buffer } }) =>
  String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
const ed25519 = () => pemOf(generateKeyPairSync('ed25519'));
const p256 = () => pemOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }));
const payload = Buffer.from('{"über":"all"}');

describe.each([
  ['Ed25519', ed25519],
  ['ECDSA on P-256', p256],
])('an envelope signed with %s', (_name, pem) => {
  it('is verified by the public key, and by no other', () => {
    const key = readSigningKey(pem());
    const envelope = seal('text/x', payload, key);
    expect(Buffer.from(envelope.payload, 'base64')).toEqual(payload);
    expect(envelope.signatures).toMatchObject([{ keyid: keyId(key) }]);
    expect(isSealedBy(envelope, createPublicKey(key))).toBe(true);
    expect(isSealedBy(envelope, createPublicKey(readSigningKey(pem())))).toBe(false);
  });

  it('is not verified with another payload, or another type', () => {
    const key = readSigningKey(pem());
    const envelope = seal('text/x', payload, key);
    const other = Buffer.from('{"über":"none"}').toString('base64');
    expect(isSealedBy({ ...envelope, payload: other }, createPublicKey(key))).toBe(false);
    expect(isSealedBy({ ...envelope, payloadType: 'text/y' }, createPublicKey(key))).toBe(false);
  });

  it('is verified by openssl, as the documentation shows', () => {
    const key = readSigningKey(pem());
    const { payloadType, payload: body, signatures } = seal('text/x', payload, key);
    const dir = mkdtempSync(join(tmpdir(), 'plinth-dsse-'));
    const file = (name: string, content: string | Buffer) => {
      writeFileSync(join(dir, name), content);
      return join(dir, name);
    };
    try {
      const bytes = Buffer.from(body, 'base64');
      const signed = file('signed', Buffer.concat([Buffer.from(`DSSEv1 6 ${payloadType} ${bytes.length} `), bytes]));
      const signature = file('signature', Buffer.from(signatures[0]?.sig ?? '', 'base64'));
      const publicKey = file('key.pub', createPublicKey(key).export({ type: 'spki', format: 'pem' }));
      const args = key.asymmetricKeyType === 'ed25519' ? ['-rawin'] : ['-rawin', '-digest', 'sha256'];
      const said = execFileSync('openssl', [
        'pkeyutl',
        '-verify',
        '-pubin',
        '-inkey',
        publicKey,
        ...args,
        '-in',
        signed,
        '-sigfile',
        signature,
      ]);
      expect(said.toString()).toContain('Signature Verified Successfully');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe('a key that cannot sign', () => {
  const encrypted = String(
    generateKeyPairSync('ed25519').privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    }),
  );
  const publicPem = createPublicKey(ed25519()).export({ type: 'spki', format: 'pem' }).toString();
  it.each([
    ['no key at all', 'hunter2hunter2', /no private key/],
    ['a public key', publicPem, /no private key/],
    ['one with a passphrase', encrypted, /without a passphrase/],
    ['RSA', pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 })), /type rsa .*Ed25519 or ECDSA on P-256/],
    ['another curve', pemOf(generateKeyPairSync('ec', { namedCurve: 'secp384r1' })), /type ec secp384r1/],
  ])('is refused with what was expected, and is not repeated: %s', (_name, pem, words) => {
    expect(() => readSigningKey(pem)).toThrow(SigningKeyError);
    expect(() => readSigningKey(pem)).toThrow(words);
    let message = '';
    try {
      readSigningKey(pem);
    } catch (error) {
      ({ message } = error as Error);
    }
    for (const line of pem.split('\n').filter((text) => text.length > 8)) expect(message).not.toContain(line);
  });
});
