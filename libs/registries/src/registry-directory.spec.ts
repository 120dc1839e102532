import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventData } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';
import { parseReference, type RequestRecord } from '#libs/oci';
import { RegistryDirectory } from './registry-directory.js';

const definition: EventData<'registry.registered'>['definition'] = {
  host: 'registry.test:5000',
  kind: 'Distribution',
  scheme: 'https',
  ca: 'company-ca',
  poll: {},
} as never;

const registered = {
  sequence: 1,
  id: 'e1',
  type: 'registry.registered',
  aggregate: { kind: 'registry', id: definition.host },
  time: '2026-01-01T00:00:00Z',
  data: { definition, by: 'ada' },
  causation: null,
  correlation: null,
  traceparent: null,
} as unknown as RecordedEvent;

describe('the authority of a registry', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is read again until its secret is there, and not once the directory is closed', async () => {
    const asked: string[] = [];
    let isThere = false;
    const open = (ref: string): Promise<string> => {
      asked.push(ref);
      return isThere ? Promise.resolve('PEM') : Promise.reject(new Error('There is no secret company-ca.'));
    };
    const directory = new RegistryDirectory({ secrets: { open } });
    const db = new Database(':memory:');
    db.exec(directory.schema);
    directory.open(db);
    directory.apply(registered);
    await vi.advanceTimersByTimeAsync(3_500);
    expect(asked).toEqual(['company-ca', 'company-ca', 'company-ca']);
    isThere = true;
    await vi.advanceTimersByTimeAsync(4_000);
    expect(asked).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toHaveLength(4);
    isThere = false;
    directory.apply(registered);
    await vi.advanceTimersByTimeAsync(0);
    await directory.close();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toHaveLength(5);
  });

  it('is opened together with the certificate that is shown to it, and its key', async () => {
    const asked: string[] = [];
    const open = (ref: string): Promise<string> => {
      asked.push(ref);
      return Promise.resolve('PEM');
    };
    const directory = new RegistryDirectory({ secrets: { open } });
    const db = new Database(':memory:');
    db.exec(directory.schema);
    directory.open(db);
    const clientCertificate = { certificate: 'shown', key: 'shown-key' };
    directory.apply({ ...registered, data: { definition: { ...definition, clientCertificate } } } as never);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(['company-ca', 'shown', 'shown-key']);
    await directory.close();
  });
});

describe('a mirror', () => {
  it('is asked in place of the registry behind it, and what it is asked is counted as its own', async () => {
    const paths: (string | undefined)[] = [];
    const server = createServer(({ url }, reply) => {
      paths.push(url);
      reply.writeHead(200, {
        'docker-content-digest': `sha256:${'a'.repeat(64)}`,
        'content-type': 'application/vnd.oci.image.manifest.v1+json',
        'content-length': 10,
      });
      reply.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const records: RequestRecord[] = [];
    const secrets = { open: () => Promise.reject(new Error('none is needed')) };
    const directory = new RegistryDirectory({ secrets, onRequest: (record) => records.push(record) });
    const db = new Database(':memory:');
    db.exec(directory.schema);
    directory.open(db);
    const mirror = {
      host,
      kind: 'Generic',
      scheme: 'http',
      mirrorOf: 'docker.io/library',
      mirrorPath: 'hub',
      poll: {},
    };
    directory.apply({
      ...registered,
      aggregate: { kind: 'registry', id: host },
      data: { definition: mirror },
    } as never);
    await directory.client.headManifest(parseReference('docker.io/library/node:22'));
    expect(paths).toEqual(['/v2/hub/node/manifests/22']);
    expect(records.map(({ registry }) => registry)).toEqual([host]);
    await directory.close();
    server.closeAllConnections();
    server.close();
  });
});
