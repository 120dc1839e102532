/** A control group for each build, in which the container runtime puts what the build's steps start (cgroups(7)). */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What all steps of one build may have together; absent is without limit. */
export interface BuildLimits {
  readonly pids?: number | undefined;
  readonly memoryBytes?: number | undefined;
  /** Processors, in hundredths: 1.5 is one and a half. */
  readonly cpus?: number | undefined;
}

export interface BuildGroup {
  /** As container runtimes take it: from the root of the hierarchy. */
  readonly path: string;
  /** The limits that held a step up, one sentence each. */
  reached(): Promise<string[]>;
  /** Ends every process in it, and removes it. */
  end(): Promise<void>;
}

const parent = 'plinth';
/** Microseconds in which the processors of a group are counted. */
const cpuPeriod = 100_000;

type Setting = readonly [file: string, value: string];
/** The files to write for these limits, by the controller whose tree they lie in; '' is the one tree of version 2. */
type Hierarchy = (limits: BuildLimits) => Readonly<Record<string, readonly Setting[]>>;

const quota = (cpus: number): string => String(Math.round(cpus * cpuPeriod));

/** Version 2: one tree. */
const unified: Hierarchy = ({ pids, memoryBytes, cpus }) => {
  const settings: Setting[] = [];
  if (pids !== undefined) settings.push(['pids.max', String(pids)]);
  if (memoryBytes !== undefined) settings.push(['memory.max', String(memoryBytes)], ['memory.swap.max', '0']);
  if (cpus !== undefined) settings.push(['cpu.max', `${quota(cpus)} ${cpuPeriod}`]);
  return { '': settings };
};

/** Version 1: a tree for each controller, of which only those with a limit need a group made first. */
const separate: Hierarchy = ({ pids, memoryBytes, cpus }) => ({
  ...(pids !== undefined && { pids: [['pids.max', String(pids)]] }),
  ...(memoryBytes !== undefined && {
    memory: [
      ['memory.limit_in_bytes', String(memoryBytes)],
      ['memory.memsw.limit_in_bytes', String(memoryBytes)],
    ],
  }),
  ...(cpus !== undefined && {
    cpu: [
      ['cpu.cfs_period_us', String(cpuPeriod)],
      ['cpu.cfs_quota_us', quota(cpus)],
    ],
  }),
});

/** They exist only where the kernel accounts for swap; where it does not, there is none beside the memory to be had. */
const swapFiles: ReadonlySet<string> = new Set(['memory.swap.max', 'memory.memsw.limit_in_bytes']);

/**
 * Names the groups of one engine. A folder has one engine at a time; containers may call different folders the same, and
 * see each other's groups, but not each other's processes.
 */
export const ownerOf = (folder: string): string =>
  createHash('sha256').update(`${hostname()} ${folder}`).digest('hex').slice(0, 12);

export class Cgroups {
  #made = 0;

  private constructor(
    private readonly root: string,
    private readonly isUnified: boolean,
    private readonly limits: BuildLimits,
    private readonly owner: string,
  ) {}

  /**
   * @param owner {@link ownerOf} the engine: groups of others are left alone
   * @param root where the hierarchies are mounted
   * @throws Error in words when groups with these limits cannot be made here
   */
  static async open(limits: BuildLimits, owner: string, root = '/sys/fs/cgroup'): Promise<Cgroups> {
    const isUnified = await exists(join(root, 'cgroup.controllers'));
    const groups = new Cgroups(root, isUnified, limits, owner);
    try {
      if (isUnified) await groups.#delegate();
      await (await groups.create()).end();
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      throw new Error(`Control groups cannot be made below ${root}: ${code ?? (error as Error).message} at ${path}.`, {
        cause: error,
      });
    }
    return groups;
  }

  async create(): Promise<BuildGroup> {
    const name = `${parent}/${this.owner}-${++this.#made}`;
    const parts = (this.isUnified ? unified : separate)(this.limits);
    for (const [controller, settings] of Object.entries(parts)) {
      const folder = join(this.root, controller, name);
      await mkdir(folder, { recursive: true });
      for (const [file, value] of settings) await set(folder, file, value);
    }
    return {
      path: `/${name}`,
      reached: () => this.#reached(name),
      end: () => this.#end(name),
    };
  }

  /** Removes what an earlier life of this engine left. Never while a build runs. */
  async sweep(): Promise<void> {
    for (const tree of await this.#trees()) {
      for (const name of await children(join(tree, parent))) {
        if (name.startsWith(`${this.owner}-`)) await this.#end(`${parent}/${name}`);
      }
    }
  }

  async #delegate(): Promise<void> {
    const { pids, memoryBytes, cpus } = this.limits;
    const wanted = Object.entries({ pids, memory: memoryBytes, cpu: cpus }).flatMap(([name, limit]) =>
      limit === undefined ? [] : [`+${name}`],
    );
    await mkdir(join(this.root, parent), { recursive: true });
    for (const folder of [this.root, join(this.root, parent)]) {
      await writeFile(join(folder, 'cgroup.subtree_control'), wanted.join(' '));
    }
  }

  /** The trees in which a runtime may have made groups below ours. */
  async #trees(): Promise<string[]> {
    if (this.isUnified) return [this.root];
    return (await children(this.root)).map((name) => join(this.root, name));
  }

  async #reached(name: string): Promise<string[]> {
    const { pids, memoryBytes } = this.limits;
    const text = async (controller: string, file: string): Promise<string> =>
      readFile(join(this.root, this.isUnified ? '' : controller, name, file), 'utf8').catch(() => '');
    const said: string[] = [];
    if (pids !== undefined) {
      const refused = /max (\d+)/.exec(await text('pids', 'pids.events'))?.[1] ?? '0';
      if (refused !== '0' || Number(await text('pids', 'pids.peak')) >= pids) {
        said.push(`It reached the limit of ${pids} processes.`);
      }
    }
    if (memoryBytes !== undefined) {
      // Kills are counted where the process was, which is gone by now; how high it went is kept here.
      const [most, limit] = this.isUnified
        ? ['memory.peak', 'memory.max']
        : ['memory.max_usage_in_bytes', 'memory.limit_in_bytes'];
      if (Number(await text('memory', most)) >= Number((await text('memory', limit)) || Infinity)) {
        said.push(`It reached the limit of ${Math.round(memoryBytes / 1024 ** 2)} MB of memory.`);
      }
    }
    return said;
  }

  async #end(name: string): Promise<void> {
    for (const tree of await this.#trees()) await endTree(join(tree, name));
  }
}

const set = async (folder: string, file: string, value: string): Promise<void> => {
  try {
    await writeFile(join(folder, file), value, { flag: 'r+' });
  } catch (error) {
    if (!swapFiles.has(file) || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
};

/** Kills what is in a group, from the bottom, until it can be removed; processes of a killed runtime go on otherwise. */
const endTree = async (folder: string): Promise<void> => {
  for (const child of await children(folder)) await endTree(join(folder, child));
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || performance.now() > deadline) throw error;
    }
    for (const pid of (await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')).split('\n')) {
      if (pid !== '') kill(Number(pid));
    }
    await delay(20);
  }
};

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const children = async (folder: string): Promise<string[]> => {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
