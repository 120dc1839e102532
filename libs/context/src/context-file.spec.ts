import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readContextFile } from './context-file.js';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'context-file-'));
  await mkdir(join(base, 'context/sub'), { recursive: true });
  await writeFile(join(base, 'secret'), 'secret');
  await writeFile(join(base, 'context/Dockerfile'), 'FROM a');
  await symlink('../Dockerfile', join(base, 'context/sub/Dockerfile'));
  await symlink('../secret', join(base, 'context/out'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

describe('a file of a context', () => {
  it('is read, over links that stay inside', async () => {
    expect(String(await readContextFile(join(base, 'context'), 'sub/Dockerfile'))).toBe('FROM a');
    expect(String(await readContextFile(join(base, 'context'), '/Dockerfile'))).toBe('FROM a');
  });

  it.each([
    ['out', 'UNSAFE_ARCHIVE'],
    ['../secret', 'UNSAFE_ARCHIVE'],
    ['.', 'UNSAFE_ARCHIVE'],
    ['sub', 'INVALID'],
    ['nope', 'NOT_FOUND'],
  ])('is not read as %s', async (path, code) => {
    await expect(readContextFile(join(base, 'context'), path)).rejects.toMatchObject({ code });
  });

  it('is not read when it is too large', async () => {
    await expect(readContextFile(join(base, 'context'), 'Dockerfile', 5)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });
});
