/**
 * One lock per file, held while `work` runs, so that two commands started at once do not install or compile over each
 * other. The kernel holds it (flock(1), part of every Debian), so that a killed process leaves nothing behind; on a
 * system without flock the work runs unlocked.
 */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * @template T
 * @param {string} file the lock file; its folder is made
 * @param {() => Promise<T>} work
 * @param {{ onWait?: () => void }} [options] `onWait` is called once when another process holds the lock
 * @returns {Promise<T>}
 */
export async function withLock(file, work, { onWait } = {}) {
  await mkdir(dirname(file), { recursive: true });
  // `cat` ends when its standard input closes, that is when we let go or die; with it goes the lock.
  const holder = spawn('flock', ['-x', file, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const waiting = onWait === undefined ? undefined : setTimeout(onWait, 500);
  const held = await new Promise((resolve) => {
    holder.once('error', () => resolve(false));
    holder.once('exit', () => resolve(false));
    holder.stdout?.once('data', () => resolve(true));
  });
  clearTimeout(waiting);
  try {
    return await work();
  } finally {
    if (held) {
      holder.removeAllListeners('exit');
      await new Promise((resolve) => {
        holder.once('exit', resolve);
        holder.stdin?.end();
      });
    }
  }
}
