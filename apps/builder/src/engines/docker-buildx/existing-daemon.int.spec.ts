import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort, tempDir, type TempDir } from '#libs/testing';
import { makeCertificate } from '../../../../../libs/oci/src/testing/certificate.js';
import { useUnpackedTools } from '../testing/tools.js';
import { DockerBuildxEngine } from './docker-buildx.js';
import { existingDaemon } from './existing-daemon.js';
import { requestOf } from '../testing/request.js';

describe('a Docker daemon of somebody else, over TLS with a certificate for each side', () => {
  let dir: TempDir;
  let daemon: ChildProcess;
  let engine: DockerBuildxEngine;
  let certificates: string;

  beforeAll(async () => {
    useUnpackedTools();
    dir = await tempDir('remote');
    certificates = join(dir.path, 'certificates');
    await mkdir(certificates);
    // One certificate that signs itself is authority, server and client.
    const { cert, keyPem } = makeCertificate();
    for (const name of ['ca.pem', 'cert.pem']) await writeFile(join(certificates, name), cert);
    await writeFile(join(certificates, 'key.pem'), keyPem, { mode: 0o600 });
    await writeFile(
      join(dir.path, 'daemon.json'),
      JSON.stringify({ features: { 'containerd-snapshotter': true }, 'userland-proxy': false }),
    );
    const host = `tcp://127.0.0.1:${await freePort()}`;
    daemon = spawn(
      'dockerd',
      [
        `--config-file=${dir.path}/daemon.json`,
        `--data-root=${dir.path}/data`,
        `--exec-root=${dir.path}/exec`,
        `--pidfile=${dir.path}/docker.pid`,
        `--host=${host}`,
        '--tlsverify',
        `--tlscacert=${certificates}/ca.pem`,
        `--tlscert=${certificates}/cert.pem`,
        `--tlskey=${certificates}/key.pem`,
        '--bridge=none',
        '--iptables=false',
        '--ip6tables=false',
      ],
      { stdio: 'ignore' },
    );
    engine = new DockerBuildxEngine({ workDir: join(dir.path, 'jobs'), daemon: existingDaemon(host, 'host') });
    vi.stubEnv('DOCKER_TLS_VERIFY', '1');
    vi.stubEnv('DOCKER_CERT_PATH', certificates);
    const answers = async () => {
      const check = await engine.check();
      if (!check.ok) throw new Error(check.problem);
    };
    await vi.waitFor(answers, { timeout: 30_000 });
    vi.unstubAllEnvs();
  });
  afterEach(() => vi.unstubAllEnvs());
  afterAll(async () => {
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    await ended;
    await dir?.remove();
  });

  it('builds for who shows the certificate', async () => {
    vi.stubEnv('DOCKER_TLS_VERIFY', '1');
    vi.stubEnv('DOCKER_CERT_PATH', certificates);
    const files = { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' };
    const outcome = await engine.build(await requestOf(dir.path, files));
    expect(outcome).toMatchObject({ kind: 'built' });
  });

  it('is no engine for who does not', async () => {
    const problem = expect.stringMatching(/^The Docker daemon does not answer: .*HTTPS server/s);
    expect(await engine.check()).toMatchObject({ ok: false, problem });
  });
});
