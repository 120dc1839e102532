import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePort, tempDir, type TempDir } from '#libs/testing';
import { makeCertificate } from '../../../../../libs/oci/src/testing/certificate.js';
import type { EngineRegistry } from '../engine.js';
import { Limiter } from '../limits/limits.js';
import { capture } from '../process-group.js';
import { isTested } from '../testing/engines.js';
import { startRegistry } from '../testing/registry.js';
import { requestOf } from '../testing/request.js';
import { useUnpackedTools } from '../testing/tools.js';
import { BuildKitEngine } from './buildkit.js';
import { existingBuildkitd } from './existing-buildkitd.js';
import { ManagedBuildkitd } from './managed-buildkitd.js';

useUnpackedTools();
const isThere = await capture('buildkitd', ['--version']).then(
  ({ code }) => code === 0,
  () => false,
);
/** Said by `buildkit.int.spec.ts` where it is missing. */
const describeHere = isTested('buildkit') && isThere ? describe : () => undefined;

/** Processes with this argument. */
const sleeping = async (argument: string): Promise<string[]> => {
  const found: string[] = [];
  for (const one of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${one}/cmdline`, 'utf8').catch(() => '');
    if (line.split('\0').includes(argument)) found.push(one);
  }
  return found;
};

let dir: TempDir;
const tidy: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  dir = await tempDir('buildkitd');
});
afterEach(async () => {
  for (const step of tidy.splice(0).reverse()) await step();
  await dir.remove();
});

const files = { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' };

describeHere('a buildkitd of somebody else, over TLS with a certificate for each side', () => {
  const start = async (): Promise<{ host: string; certificates: string }> => {
    const certificates = join(dir.path, 'certificates');
    await mkdir(certificates);
    // One certificate that signs itself is authority, server and client.
    const { cert, keyPem } = makeCertificate();
    for (const name of ['ca.pem', 'cert.pem']) await writeFile(join(certificates, name), cert);
    await writeFile(join(certificates, 'key.pem'), keyPem, { mode: 0o600 });
    const host = `tcp://127.0.0.1:${await freePort()}`;
    const child: ChildProcess = spawn(
      'buildkitd',
      [
        `--addr=${host}`,
        `--root=${dir.path}/data`,
        '--config=/dev/null',
        '--containerd-worker=false',
        '--oci-worker-binary=runc',
        `--tlscacert=${certificates}/ca.pem`,
        `--tlscert=${certificates}/cert.pem`,
        `--tlskey=${certificates}/key.pem`,
      ],
      { stdio: 'ignore' },
    );
    tidy.push(async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    });
    return { host, certificates };
  };

  it('builds for who shows the certificate, and is no engine for who does not', async () => {
    const { host, certificates } = await start();
    const engineWith = (tlsDir?: string) =>
      new BuildKitEngine({ workDir: join(dir.path, 'jobs'), daemon: existingBuildkitd(host), tlsDir });
    const engine = engineWith(certificates);
    await vi.waitFor(async () => expect(await engine.check()).toMatchObject({ ok: true }), { timeout: 30_000 });
    expect(await engine.build(await requestOf(dir.path, files))).toMatchObject({ kind: 'built' });
    expect(await engineWith().check()).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/^The BuildKit daemon does not answer: /),
      fix: expect.stringContaining('PLINTH_BUILDKIT_HOST'),
    });
  });
});

describeHere('a buildkitd of our own', () => {
  const manage = () => {
    const events: string[] = [];
    const daemon = new ManagedBuildkitd({ dir: join(dir.path, 'daemon'), onEvent: (event) => events.push(event) });
    tidy.push(() => daemon.close());
    return { daemon, events, engine: new BuildKitEngine({ workDir: join(dir.path, 'jobs'), daemon }) };
  };
  const pid = async () => Number(await readFile(join(dir.path, 'daemon', 'run', 'buildkitd.pid'), 'utf8'));
  const plainHttp = (registry: string): EngineRegistry => ({ registry, scheme: 'http' });

  it('waits for builds that run before it is restarted for a registry that it does not know', async () => {
    const { daemon, events } = manage();
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const building = daemon.use([], async () => {
      entered.resolve();
      await first.promise;
      order.push('the first has ended');
    });
    await entered.promise;
    const before = await pid();
    const next = daemon.use([plainHttp('registry.test:5000')], async () => {
      order.push('the second runs');
      return pid();
    });
    // One that knows all its registries comes after the restart, too: it would be in its way.
    const last = daemon.use([], async () => pid());
    expect(await pid()).toBe(before);
    first.resolve();
    await building;
    const after = await next;
    expect(after).not.toBe(before);
    expect(await last).toBe(after);
    expect(order).toEqual(['the first has ended', 'the second runs']);
    expect(events).toEqual(['Restarting buildkitd: there is a registry that it does not know yet.']);
    expect(await readFile(join(dir.path, 'daemon', 'buildkitd.toml'), 'utf8')).toContain(
      '[registry."registry.test:5000"]\n  http = true',
    );
    expect(await daemon.use([plainHttp('registry.test:5000')], async () => pid())).toBe(after);
  });

  it('that is still starting comes up for whoever asked first, also when it has to start anew for a registry', async () => {
    const { daemon, engine, events } = manage();
    const first = daemon.host();
    const check = engine.check();
    const second = daemon.use([plainHttp('registry.test:5000')], async (host) => ({ host, pid: await pid() }));
    expect((await second).host).toBe(await first);
    expect(await check).toMatchObject({ ok: true });
    expect((await second).pid).toBe(await pid());
    expect(events).toEqual(['Restarting buildkitd: there is a registry that it does not know yet.']);
  });

  it('throws a fault that can be retried when it is killed in a build, and ends what the build had started', async () => {
    const folder = join(dir.path, 'daemon');
    const daemon = new ManagedBuildkitd({ dir: folder });
    tidy.push(() => daemon.close());
    const engine = new BuildKitEngine({
      workDir: join(dir.path, 'jobs'),
      daemon,
      limiter: new Limiter(folder, { pids: 100 }),
    });
    const registry = await startRegistry();
    tidy.push(() => registry.stop());
    const digest = await registry.pushBase('base', '1', 'one');
    const reference = `${registry.host}/base:1`;
    const request = await requestOf(
      dir.path,
      { Dockerfile: `FROM ${reference}\nRUN echo started && sleep 7461\n` },
      {
        pins: [{ reference, digest }],
        registries: [plainHttp(registry.host)],
        onLog: ({ text }) => {
          if (text === 'started') void pid().then((daemonPid) => process.kill(daemonPid, 'SIGKILL'));
        },
      },
    );
    await expect(engine.build(request)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE', retryable: true });
    expect(await sleeping('7461')).toEqual([]);
    const again = { ...request, outputDir: join(dir.path, 'again') };
    await writeFile(join(request.contextDir, 'Dockerfile'), `FROM ${reference}\nRUN cat /version\n`);
    expect(await engine.build(again)).toMatchObject({ kind: 'built' });
  });

  it('starts again when it was killed, and leaves no process when it is closed', async () => {
    const { daemon, engine, events } = manage();
    await daemon.host();
    const before = await pid();
    process.kill(before, 'SIGKILL');
    await vi.waitFor(() => expect(events[0]).toContain('SIGKILL'));
    expect(await engine.build(await requestOf(dir.path, files))).toMatchObject({ kind: 'built' });
    const now = await pid();
    expect(now).not.toBe(before);
    await daemon.close();
    expect(await readFile(`/proc/${now}/cmdline`, 'utf8').catch(() => '')).not.toContain('buildkitd');
  });
});

it('is tried here where buildkitd is', () => {
  expect(isThere || !isTested('buildkit')).toBe(true);
});
