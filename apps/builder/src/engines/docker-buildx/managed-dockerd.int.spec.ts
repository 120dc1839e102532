import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { capture } from '../process-group.js';
import { startRegistry } from '../testing/registry.js';
import { useUnpackedTools } from '../testing/tools.js';
import { DockerBuildxEngine } from './docker-buildx.js';
import { ManagedDockerd, runDirOf } from './managed-dockerd.js';
import { requestOf } from '../testing/request.js';

describe('a dockerd of our own', () => {
  let dir: string;
  const running: ManagedDockerd[] = [];

  beforeEach(async () => {
    useUnpackedTools();
    dir = await mkdtemp(join(tmpdir(), 'plinth-dockerd-'));
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const daemon of running.splice(0)) await daemon.close();
    await rm(dir, { recursive: true, force: true });
  });

  const manage = (onEvent?: (message: string) => void, at = join(dir, 'dockerd')): ManagedDockerd => {
    const daemon = new ManagedDockerd({ dir: at, ...(onEvent === undefined ? {} : { onEvent }) });
    running.push(daemon);
    return daemon;
  };

  const pidOf = async () => Number(await readFile(join(dir, 'dockerd', 'run', 'docker.pid'), 'utf8'));

  /** Command lines of processes that have this test's folder in theirs. */
  const processes = async (): Promise<string[]> => {
    const lines: string[] = [];
    for (const pid of await readdir('/proc')) {
      if (/^\d+$/.test(pid)) lines.push(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
    }
    return lines.filter((line) => line.includes(dir));
  };

  const version = async (host: string) =>
    (await capture('docker', ['--host', host, 'version', '--format', '{{.Server.Version}}'])).stdout;

  it('starts when it is first asked for, and leaves no process when it is closed', async () => {
    const daemon = manage();
    expect(await version(await daemon.host())).toMatch(/^\d+\./);
    await daemon.close();
    expect(await processes()).toEqual([]);
    await expect(daemon.host()).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  /** A folder below the test's own whose path has exactly this many characters. */
  const folderOf = (length: number): string => join(dir, 'x'.repeat(length - dir.length - 1));

  it.each([
    ['the longest path that leaves its sockets in its own folder', 62, true],
    ['a path one character longer', 63, false],
    ['a very long path', 180, false],
  ])('starts in a folder with %s', async (_what, length, isOwn) => {
    const folder = folderOf(length);
    const run = runDirOf(folder);
    expect(run.isOwn).toBe(isOwn);
    const daemon = manage(undefined, folder);
    expect(await daemon.host()).toBe(`unix://${run.path}/docker.sock`);
    expect(await version(await daemon.host())).toMatch(/^\d+\./);
    await daemon.close();
    expect(existsSync(run.path)).toBe(isOwn);
  });

  it('starts again when it was killed', async () => {
    let died: (message: string) => void = () => {};
    const event = new Promise<string>((resolve) => (died = resolve));
    const daemon = manage((message) => died(message));
    await daemon.host();
    const before = await pidOf();
    process.kill(before, 'SIGKILL');
    expect(await event).toContain('SIGKILL');
    expect(await version(await daemon.host())).toMatch(/^\d+\./);
    expect(await pidOf()).not.toBe(before);
  });

  it('takes over from a daemon whose parent was killed', async () => {
    const own = join(dir, 'dockerd');
    const run = join(own, 'run');
    await mkdir(run, { recursive: true });
    const orphan = spawn(
      'dockerd',
      [
        `--data-root=${own}/data`,
        `--exec-root=${run}/exec`,
        `--pidfile=${run}/docker.pid`,
        `--host=unix://${run}/docker.sock`,
        '--config-file=/dev/null',
        '--bridge=none',
        '--iptables=false',
        '--ip6tables=false',
        '--userland-proxy=false',
      ],
      { stdio: 'ignore', detached: true },
    );
    const ended = new Promise((resolve) => orphan.once('exit', resolve));
    await vi.waitFor(async () => expect(await pidOf()).toBe(orphan.pid), { timeout: 20_000 });
    expect(await version(await manage().host())).toMatch(/^\d+\./);
    await ended;
    expect(await pidOf()).not.toBe(orphan.pid);
  });

  it('starts beside a stale pid file that names a process of somebody else', async () => {
    const other = spawn('sleep', ['60'], { stdio: 'ignore' });
    const run = join(dir, 'dockerd', 'run');
    await mkdir(run, { recursive: true });
    await writeFile(join(run, 'docker.pid'), String(other.pid));
    await writeFile(join(run, 'docker.sock'), '');
    try {
      expect(await version(await manage().host())).toMatch(/^\d+\./);
      expect(other.exitCode).toBeNull();
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('pulls from a plain-HTTP registry that it learns of while it runs', async () => {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((found) => found?.family === 'IPv4' && !found.internal)?.address;
    // dockerd trusts 127.0.0.0/8 without being told; a machine without another address can only show that it reloads.
    const registry = await startRegistry(address ?? '127.0.0.1');
    try {
      const daemon = manage();
      await daemon.host();
      const before = await pidOf();
      const digest = await registry.pushBase('base', '1', 'one');
      const reference = `${registry.host}/base:1`;
      const engine = new DockerBuildxEngine({ workDir: join(dir, 'jobs'), daemon });
      const files = { Dockerfile: `FROM ${reference}\nLABEL a=b\n` };
      const registries = [{ registry: registry.host, scheme: 'http' as const }];
      const outcome = await engine.build(await requestOf(dir, files, { pins: [{ reference, digest }], registries }));
      expect(outcome).toMatchObject({ kind: 'built' });
      expect(await pidOf()).toBe(before);
    } finally {
      await registry.stop();
    }
  });

  it('says what it needs when it is not root', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
    await expect(manage().host()).rejects.toMatchObject({
      code: 'ENGINE_NEEDS_ROOT',
      message: expect.stringContaining('DOCKER_HOST'),
    });
  });

  it('repeats the last words of a dockerd that does not start', async () => {
    await mkdir(join(dir, 'dockerd'), { recursive: true });
    // The data folder is a file: dockerd cannot work.
    await writeFile(join(dir, 'dockerd', 'data'), '');
    await expect(manage().host()).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringMatching(/ended with exit code 1.*dockerd\.log/s),
    });
  });
});
