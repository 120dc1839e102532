import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AddressPolicy } from '#libs/oci';
import { tempDir, type TempDir } from '#libs/testing';
import { contextsFrom } from './contexts.js';

describe('contexts of a builder', () => {
  let dir: TempDir;
  beforeEach(async () => {
    dir = await tempDir('contexts');
  });
  afterEach(() => dir.remove());

  const open = (policy?: AddressPolicy) =>
    contextsFrom({ get: () => Promise.reject(new Error('not here')) }, { addressPolicy: policy }).open({
      contextPath: 'http://127.0.0.1:1/team/app.git',
      revision: null,
      into: dir.path,
      signal: new AbortController().signal,
    });

  it('come from nowhere that the operator does not permit, and the refusal says what would', async () => {
    await expect(open(new AddressPolicy())).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('PLINTH_CONTEXT_ALLOW') as string,
    });
  });

  it.each([
    ['any address', undefined],
    ['their network', new AddressPolicy(['127.0.0.0/8'])],
  ])('are asked for where %s is permitted', async (_name, policy) => {
    await expect(open(policy)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
