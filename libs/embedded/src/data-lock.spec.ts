import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '#libs/testing';
import { DataLock } from './data-lock.js';

describe('the lock on a data folder', () => {
  it('is taken by one Plinth, and free again when that ends', async () => {
    await using dir = await tempDir('lock');
    const folder = join(dir.path, 'data');
    const lock = await DataLock.take(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    await expect(DataLock.take(folder)).rejects.toThrow(
      `Plinth is running already on ${folder} (process ${process.pid}). Stop it first, or choose another folder with PLINTH_DATA.`,
    );
    await lock.release();
    expect(existsSync(join(folder, 'plinth.pid'))).toBe(false);
    await (await DataLock.take(folder)).release();
  });

  it('of one that was killed is taken over, also when its process id belongs to another program now', async () => {
    await using dir = await tempDir('lock');
    const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
    await once(child, 'exit');
    await writeFile(join(dir.path, 'plinth.pid'), `${child.pid} 12345\n`);
    await (await DataLock.take(dir.path)).release();
    await writeFile(join(dir.path, 'plinth.pid'), `${process.pid} 1\n`);
    await (await DataLock.take(dir.path)).release();
    await writeFile(join(dir.path, 'plinth.pid'), 'torn');
    await (await DataLock.take(dir.path)).release();
  });
});
