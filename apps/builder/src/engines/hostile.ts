/** Dockerfiles of people who mean harm, or do not know better: what every engine with limits has to stand. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuildOutcome, BuildRequest, Engine } from './engine.js';
import { ownerOf } from './limits/cgroups.js';
import { type EngineLimits, Limiter } from './limits/limits.js';
import { requestOf } from './testing/request.js';
import { startRegistry, type TestRegistry } from './testing/registry.js';
import { useUnpackedTools } from './testing/tools.js';

const megabyte = 1024 ** 2;

/** `makeEngine` gets a folder for its files, and the limits that it has to keep. */
export function hostileDockerfiles(name: string, makeEngine: (dir: string, limiter: Limiter) => Promise<Engine>): void {
  describe(`the ${name} engine with limits`, () => {
    let dir: string;
    let engine: Engine;
    let registry: TestRegistry;
    let base: string;
    let digest: string;
    let builds = 0;

    beforeAll(async () => {
      useUnpackedTools();
      dir = await mkdtemp(join(tmpdir(), 'plinth-hostile-'));
      registry = await startRegistry();
      base = `${registry.host}/base:1`;
      digest = await registry.pushBase('base', '1', 'one');
      engine = await engineWith('engine', { pids: 64, memoryBytes: 96 * megabyte, cpus: 1 });
    });

    const engineWith = async (folderName: string, limits: EngineLimits): Promise<Engine> => {
      const folder = join(dir, folderName);
      await mkdir(folder);
      const made = await makeEngine(folder, new Limiter(folder, limits));
      await made.cleanup();
      expect(await made.check()).toMatchObject({ ok: true });
      return made;
    };

    afterAll(async () => {
      await engine?.close();
      await registry?.stop();
      await rm(dir, { recursive: true, force: true });
    });

    const build = async (
      lines: readonly string[],
      more: Partial<BuildRequest> = {},
      files: Record<string, string> = {},
      by = engine,
    ): Promise<{ outcome: BuildOutcome; log: string }> => {
      const log: string[] = [];
      const request = await requestOf(
        join(dir, `build-${++builds}`),
        { Dockerfile: [`FROM ${base}`, ...lines].join('\n'), ...files },
        {
          pins: [{ reference: base, digest }],
          registries: [{ registry: registry.host, scheme: 'http' }],
          onLog: ({ text }) => log.push(text),
          ...more,
        },
      );
      return { outcome: await by.build(request), log: log.join('\n') };
    };

    it('builds what keeps within them', async () => {
      const { outcome, log } = await build(['RUN cat /version']);
      expect(outcome).toMatchObject({ kind: 'built' });
      expect(log).toContain('one');
    });

    it('stops one that forks for ever, and says which limit it reached', async () => {
      const { outcome, log } = await build(['RUN i=0; while [ $i -lt 1000 ]; do sleep 7451 & i=$((i+1)); done; wait']);
      expect(outcome).toMatchObject({ kind: 'failed', code: 'STEP_FAILED' });
      expect(outcome).toMatchObject({ reason: expect.stringContaining('It reached the limit of 64 processes.') });
      expect(log).toMatch(/can't fork|Resource temporarily unavailable/);
      expect(await running('7451')).toEqual([]);
    });

    it('stops one that takes all memory, and says which limit it reached', async () => {
      // It keeps what it read until a line ends, and none does.
      const { outcome } = await build(['RUN tail -n 1 /dev/zero']);
      expect(outcome).toMatchObject({ kind: 'failed', code: 'STEP_FAILED' });
      expect(outcome).toMatchObject({ reason: expect.stringContaining('It reached the limit of 96 MB of memory.') });
    });

    it('stops one that fills the disk, and gives the space back', async () => {
      // One of its own: what others write to this disk meanwhile must end no other build here.
      const limited = await engineWith('engine-on-a-disk', { diskBytes: 200 * megabyte });
      const { outcome } = await build(['RUN dd if=/dev/zero of=/big bs=1M count=20000'], {}, {}, limited);
      expect(outcome).toMatchObject({
        kind: 'failed',
        code: 'STEP_FAILED',
        reason: expect.stringMatching(/it took \d+ MB, more than the 200 MB of disk that a build may take/),
      });
      await expectWithin(async () => (await largeFiles(join(dir, 'engine-on-a-disk'))).length === 0);
      await limited.close();
    });

    it('ends one that sleeps for ever and hears no signal, with what it put into the background', async () => {
      const { outcome } = await build(
        [`RUN trap '' TERM INT HUP; (trap '' TERM HUP; sleep 7452) & while :; do sleep 7453; done`],
        { timeoutMs: 2_000 },
      );
      expect(outcome).toEqual({ kind: 'timeout' });
      await expectWithin(async () => (await running('7452')).length + (await running('7453')).length === 0);
    });

    it('lets none see or change the machine', async () => {
      const canary = join(dir, 'canary');
      await writeFile(canary, 'canary of the machine');
      const { outcome, log } = await build([
        `RUN cat ${canary} || echo no canary`,
        'RUN mount -t tmpfs none /mnt || echo no mount',
        'RUN (echo 1 > /proc/sys/kernel/sysrq) || echo no sysctl',
        'RUN (echo b > /proc/sysrq-trigger) || echo no sysrq',
        'RUN mknod /dev/disk b 8 0; head -c 1 /dev/disk || echo no disk',
        'RUN ls /proc | grep -c "^[0-9]*$"',
      ]);
      expect(outcome).toMatchObject({ kind: 'built' });
      for (const words of ['no canary', 'no mount', 'no sysctl', 'no sysrq', 'no disk']) expect(log).toContain(words);
      expect(log).not.toContain('canary of the machine');
      // Of the processes, a step sees its own: the shell, ls and grep.
      expect(Number(/^([0-9]+)$/m.exec(log)?.[1])).toBeLessThan(8);
    });

    it('lets none have a file that is beside the context', async () => {
      await writeFile(join(dir, 'beside'), 'canary beside the context');
      const { outcome } = await build(['COPY ../../beside /stolen']);
      expect(outcome).toMatchObject({ kind: 'failed' });
    });

    it('gives a step no network when there is to be none', async () => {
      const { outcome, log } = await build([
        `RUN wget -q -T 2 -O - http://${registry.host}/v2/ && echo reached || echo nothing reached`,
        'RUN --network=host wget -q -T 2 -O - http://127.0.0.1/ || echo nothing reached',
      ]);
      // An engine may refuse the second one as a whole.
      if (outcome.kind === 'failed') expect(outcome.reason).toMatch(/network/);
      else expect(log).toContain('nothing reached');
      expect(log).not.toMatch(/^reached/m);
    });

    it('runs no frontend that nobody pinned', async () => {
      const files = { Dockerfile: `# syntax=${registry.host}/frontend:1\nFROM scratch\nCOPY Dockerfile /\n` };
      const { outcome } = await build([], { pins: [] }, files);
      // Buildah knows no frontends, and reads the line as a comment.
      if (outcome.kind !== 'built') expect(outcome).toMatchObject({ kind: 'failed', code: 'BASE_NOT_PINNED' });
    });

    it('leaves no control group behind', async () => {
      expect(await groups(ownerOf(join(dir, 'engine')))).toEqual([]);
    });
  });
}

async function expectWithin(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('It did not come to hold within 15 s.');
    await delay(50);
  }
}

async function running(argument: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.split('\0').includes(argument)) found.push(pid);
  }
  return found;
}

/** Control groups of an engine. */
async function groups(owner: string): Promise<string[]> {
  const root = '/sys/fs/cgroup';
  const trees = [root, ...(await readdir(root)).map((name) => join(root, name))];
  const found = await Promise.all(trees.map((tree) => readdir(join(tree, 'plinth')).catch((): string[] => [])));
  return found.flat().filter((name) => name.startsWith(`${owner}-`));
}

async function largeFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch((): string[] => []);
  return names.filter((name) => name.endsWith('/big'));
}
