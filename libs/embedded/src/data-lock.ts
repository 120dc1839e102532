import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const startedAt = (pid: number): string | undefined => {
  try {
    // Field 22 of /proc/PID/stat: a process id that was given to another program has another start time.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19];
  } catch {
    return undefined;
  }
};

/** One Plinth for one data folder: a second one would write into the same databases. */
export class DataLock {
  private constructor(private readonly file: string) {}

  /** @throws Error that names the process which holds the folder */
  static async take(folder: string): Promise<DataLock> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, 'plinth.pid');
    if (existsSync(file)) {
      const [pid, since] = readFileSync(file, 'utf8').trim().split(' ');
      if (pid && since && startedAt(Number(pid)) === since) {
        throw new Error(
          `Plinth is running already on ${folder} (process ${pid}). Stop it first, or choose another folder with PLINTH_DATA.`,
        );
      }
    }
    await writeFile(file, `${process.pid} ${startedAt(process.pid) ?? ''}\n`, { mode: 0o600 });
    return new DataLock(file);
  }

  release(): Promise<void> {
    return rm(this.file, { force: true });
  }
}
