import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { endLeftovers } from './processes.js';

const compiled = resolve(import.meta.dirname, '../..');
/** The repository; this runs from its `dist`. */
export const root = compiled.endsWith('/dist') ? resolve(compiled, '..') : compiled;
const tools = join(root, '.plinth/tools/bin');
/** PATH with the unpacked tools first. */
export const path = [tools, process.env['PATH'] ?? ''].join(delimiter);

/** File of a program on that path. @throws Error that says how to get it */
export const programFile = (name: string): string => {
  const found = path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(existsSync);
  if (found === undefined)
    throw new Error(`${name} is neither on PATH nor in ${tools}: start the demo by "npm run demo".`);
  return found;
};

const isAlive = (pid: number): boolean => {
  if (Number.isNaN(pid)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** A new folder below `.plinth/demo` for one demo; removed at its end. */
export class Workplace {
  private constructor(readonly folder: string) {}

  /** Removes what demos left whose process is gone, then makes a folder of its own. */
  static async open(): Promise<Workplace> {
    const all = join(root, '.plinth/demo');
    await mkdir(all, { recursive: true });
    for (const name of await readdir(all)) {
      const folder = join(all, name);
      // The name begins with the process that made it: demos may start at the same time.
      if (isAlive(Number.parseInt(name, 10))) continue;
      await endLeftovers(folder);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
    const folder = await mkdtemp(join(all, `${process.pid}-`));
    await mkdir(join(folder, 'logs'));
    return new Workplace(folder);
  }

  get logs(): string {
    return join(this.folder, 'logs');
  }
  log(name: string): string {
    return join(this.logs, name);
  }
  file(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Removes everything, or everything but the logs. */
  async close({ keepLogs }: { keepLogs: boolean }): Promise<void> {
    for (const name of keepLogs ? await readdir(this.folder) : []) {
      if (name === 'logs') continue;
      await rm(this.file(name), { recursive: true, force: true, maxRetries: 5 });
    }
    if (!keepLogs) await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A TCP port of 127.0.0.1 that nobody listens on now. */
export const freePort = (): Promise<number> =>
  new Promise((done, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
