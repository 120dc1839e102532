import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNats, tempDir, type TempDir } from '#libs/testing';
import { makeCertificate } from '../../../oci/src/testing/certificate.js';
import { readAll, tag, watched } from '../conformance/events.js';
import { Jet, type JetOptions } from './jet.js';

const small = {
  eventsMaxBytes: 1024 * 1024,
  dispatchMaxBytes: 1024 * 1024,
  logsMaxBytes: 1024 * 1024,
  deadMaxBytes: 1024 * 1024,
  blobsMaxBytes: 1024 * 1024,
  kvMaxBytes: 1024 * 1024,
};

/** Connects, makes the streams, writes an event and reads it. */
const works = async (options: Omit<JetOptions, 'name'>): Promise<void> => {
  await using jet = await Jet.connect({ name: 'secured', connectTimeoutMs: 5_000, ...options });
  await jet.provision(small);
  const { last } = await jet.events.range();
  const name = `r${last}`;
  await jet.events.append(tag(name), 0, [watched(name)]);
  expect((await readAll(jet.events, last)).map(({ data }) => data)).toEqual([{ reference: name }]);
};

/** What a connection that is refused says. */
const refusal = async (options: Omit<JetOptions, 'name'>): Promise<string> => {
  try {
    await works({ connectTimeoutMs: 1_000, ...options });
  } catch (error) {
    return String(error);
  }
  throw new Error('The server let us in.');
};

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('secured');
});
afterAll(() => dir.remove());

/** Writes a file of the test and answers its path. */
const file = async (name: string, text: string): Promise<string> => {
  const path = join(dir.path, name);
  await writeFile(path, text, { mode: 0o600 });
  return path;
};

describe('a nats-server with TLS on both sides and a password', () => {
  const server = makeCertificate();
  const client = makeCertificate();

  it('is used with the right authority, certificate and password, and with nothing less', async () => {
    const [serverCert, serverKey, clientCert, clientKey] = await Promise.all([
      file('server.pem', server.cert),
      file('server.key', server.keyPem),
      file('client.pem', client.cert),
      file('client.key', client.keyPem),
    ]);
    await using nats = await startNats({
      config: `
        tls { cert_file: "${serverCert}", key_file: "${serverKey}", ca_file: "${clientCert}", verify: true }
        authorization { user: plinth, password: "sesame-open" }`,
    });
    const servers = nats.url;
    const login = { user: 'plinth', pass: 'sesame-open' };
    const tls = { caFile: serverCert, certFile: clientCert, keyFile: clientKey };
    await works({ servers, ...login, tls });
    const wrong = await refusal({ servers, user: 'plinth', pass: 'sesame-shut', tls });
    expect(wrong).toMatch(/authorization/i);
    expect(wrong).not.toContain('sesame');
    await refusal({ servers, ...login, tls: { caFile: serverCert } });
    await refusal({ servers, ...login, tls: { ...tls, caFile: clientCert } });
    await refusal({ servers, tls });
  });
});

describe('a nats-server whose users have credentials (.creds)', () => {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
  /** A JSON Web Token as NATS has them: signed by an nkey. */
  const token = (issuer: nkeys.KeyPair, subject: string, name: string, nats: object): string => {
    const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
    const claims = { jti: name, iat: 1_767_225_600, iss: issuer.getPublicKey(), name, sub: subject };
    const body = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode({ ...claims, nats })}`;
    return `${body}.${Buffer.from(issuer.sign(Buffer.from(body))).toString('base64url')}`;
  };
  const creds = (jwt: string, user: nkeys.KeyPair): string =>
    [
      '-----BEGIN NATS USER JWT-----',
      jwt,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      text(user.getSeed()),
      '------END USER NKEY SEED------',
      '',
    ].join('\n');

  it('is used with them, and not with those of somebody else', async () => {
    const [operator, user] = [nkeys.createOperator(), nkeys.createUser()];
    const [system, account, stranger] = [nkeys.createAccount(), nkeys.createAccount(), nkeys.createAccount()];
    const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
    const jetstream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
    const operatorJwt = token(operator, operator.getPublicKey(), 'plinth-operator', { type: 'operator', version: 2 });
    const claims = { type: 'account', version: 2, limits };
    const systemJwt = token(operator, system.getPublicKey(), 'system', claims);
    const accountJwt = token(operator, account.getPublicKey(), 'plinth', {
      ...claims,
      limits: { ...limits, ...jetstream },
    });
    const userClaims = { type: 'user', version: 2, subs: -1, data: -1, payload: -1, pub: {}, sub: {} };
    const good = await file('good.creds', creds(token(account, user.getPublicKey(), 'plinth', userClaims), user));
    const bad = await file('bad.creds', creds(token(stranger, user.getPublicKey(), 'plinth', userClaims), user));
    await using nats = await startNats({
      config: `
        operator: ${operatorJwt}
        system_account: ${system.getPublicKey()}
        resolver: MEMORY
        resolver_preload {
          ${system.getPublicKey()}: ${systemJwt}
          ${account.getPublicKey()}: ${accountJwt}
        }`,
    });
    await works({ servers: nats.url, credsFile: good });
    const refused = await refusal({ servers: nats.url, credsFile: bad });
    expect(refused).toMatch(/authorization/i);
    expect(refused).not.toContain(text(user.getSeed()));
  });
});
