/** What killed engines leave: orphans of the container runtime, and mounts. */
import { readFile, readdir } from 'node:fs/promises';
import { capture } from './process-group.js';

/** Kills every process whose root file system lies in `dir`: with an OCI runtime, RUN outlives a killed buildah. */
export async function killProcessesIn(dir: string): Promise<void> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
    const root = mounts.split('\n').find((line) => line.split(' ')[4] === '/');
    if (root === undefined || !root.includes(`${dir}/`)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Unmounts everything below `dir`, the deepest first. */
export async function unmountBelow(dir: string): Promise<void> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const points = mounts
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8))),
    )
    .filter((point) => point.startsWith(`${dir}/`))
    .sort((a, b) => b.length - a.length);
  for (const point of points) await capture('umount', ['--lazy', point]);
}
