import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A self-signed certificate for 127.0.0.1 and localhost, with its key. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: KeyObject;
  readonly keyPem: string;
  /** The certificate as `x5c` in a JWT header wants it. */
  readonly x5c: string;
}

/** Made when it is needed, so that no key lies in the repository. Valid 2020 to 2049. */
export function makeCertificate(): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = seq(oid('2a8648ce3d040302'));
  const name = seq(set(seq(oid('550403'), der(0x0c, Buffer.from('plinth test')))));
  const utc = (text: string) => der(0x17, Buffer.from(text));
  const basicConstraints = seq(oid('551d13'), octets(seq(der(0x01, Buffer.from([0xff])))));
  const names = seq(der(0x87, Buffer.from([127, 0, 0, 1])), der(0x82, Buffer.from('localhost')));
  const alternativeNames = seq(oid('551d11'), octets(names));
  const body = seq(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    seq(utc('200101000000Z'), utc('491231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, seq(basicConstraints, alternativeNames)),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = seq(body, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const x5c = certificate.toString('base64');
  const lines = x5c.replace(/.{64}/g, '$&\n').trimEnd();
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    x5c,
  };
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}

function seq(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function set(...parts: Buffer[]): Buffer {
  return der(0x31, Buffer.concat(parts));
}

function octets(content: Buffer): Buffer {
  return der(0x04, content);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}
