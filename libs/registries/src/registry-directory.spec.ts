import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventData } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';
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
