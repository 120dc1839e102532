import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempDir, type TempDir } from '#libs/testing';
import { Cgroups } from './cgroups.js';

/** The kernel's files are there as soon as a folder is; here a test makes them. */
describe('a control group', () => {
  let root: TempDir;
  beforeEach(async () => {
    root = await tempDir('cgroups');
  });
  afterEach(() => root.remove());

  it('cannot be made where nothing is delegated, which is said in words with the path', async () => {
    await writeFile(join(root.path, 'cgroup.controllers'), 'cpu memory pids');
    await mkdir(join(root.path, 'plinth', 'cgroup.subtree_control'), { recursive: true });
    await expect(Cgroups.open({ pids: 5 }, 'own', root.path)).rejects.toThrow(
      `Control groups cannot be made below ${root.path}: EISDIR at ${root.path}/plinth/cgroup.subtree_control.`,
    );
    // What it asked of the level above.
    expect(await readFile(join(root.path, 'cgroup.subtree_control'), 'utf8')).toBe('+pids');
  });

  it('cannot be made without the files of its controller', async () => {
    await expect(Cgroups.open({ pids: 5 }, 'own', root.path)).rejects.toThrow(/ENOENT at .*pids\.max/);
  });

  it('of an earlier life of the same engine is removed, and none of another', async () => {
    for (const name of ['own-1', 'own-2/buildkit/step', 'other-1']) {
      await mkdir(join(root.path, 'pids', 'plinth', name), { recursive: true });
      await mkdir(join(root.path, 'freezer', 'plinth', name), { recursive: true });
    }
    const groups = await Cgroups.open({}, 'own', root.path);
    await groups.sweep();
    for (const tree of ['pids', 'freezer']) {
      expect(await readdir(join(root.path, tree, 'plinth'))).toEqual(['other-1']);
    }
  });
});
