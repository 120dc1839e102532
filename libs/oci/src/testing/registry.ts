import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, tempDir, toolPath } from '#libs/testing';
import { makeCertificate, type TestCertificate } from './certificate.js';
import { startTokenServer, type TokenServer } from './token-server.js';

export const testLogin = { username: 'plinth', password: 'secret' } as const;
/** bcrypt of the password above; the registry takes no other hash. */
const HTPASSWD = 'plinth:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n';

export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`, the host in references. */
  readonly host: string;
  readonly tokenServer?: TokenServer;
  readonly certificate?: TestCertificate;
  stop(): Promise<void>;
}

export interface TestRegistryOptions {
  readonly auth?: 'none' | 'basic' | 'token';
  readonly tls?: boolean;
}

const START_MS = 20_000;

/**
 * A CNCF Distribution registry on a free loopback port, with storage in a directory of its own.
 * @throws Error that says what to run when the program is missing
 */
export async function startRegistry({ auth = 'none', tls = false }: TestRegistryOptions = {}): Promise<TestRegistry> {
  const program = toolPath('docker-registry');
  const directory = await tempDir('registry');
  const certificate = tls || auth === 'token' ? makeCertificate() : undefined;
  const tokenServer = auth === 'token' && certificate ? await startTokenServer(certificate) : undefined;
  const file = async (name: string, text: string) => {
    await writeFile(join(directory.path, name), text, { mode: 0o600 });
    return join(directory.path, name);
  };
  const port = await freePort();
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory.path, 'data') }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${port}`,
      ...(tls && {
        tls: {
          certificate: await file('cert.pem', certificate?.cert ?? ''),
          key: await file('key.pem', certificate?.keyPem ?? ''),
        },
      }),
    },
    ...(auth === 'basic' && {
      auth: { htpasswd: { realm: 'plinth test', path: await file('htpasswd', HTPASSWD) } },
    }),
    ...(tokenServer && {
      auth: {
        token: {
          realm: tokenServer.realm,
          service: 'plinth-test',
          issuer: 'plinth-test-issuer',
          rootcertbundle: await file('root.pem', certificate?.cert ?? ''),
        },
      },
    }),
  };
  const child = spawn(program, ['serve', await file('config.yml', JSON.stringify(config))], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const stop = async () => {
    await end(child);
    await tokenServer?.stop();
    await directory.remove();
  };
  try {
    await answers(`127.0.0.1:${port}`, child);
  } catch (cause) {
    await stop();
    throw new Error(`docker-registry did not start on port ${port}: ${complaints || 'it said nothing'}`, { cause });
  }
  return {
    host: `127.0.0.1:${port}`,
    stop,
    [Symbol.asyncDispose]: stop,
    ...(tokenServer && { tokenServer }),
    ...(certificate && { certificate }),
  };
}

/** Waits until the port takes connections, whatever is spoken on it. */
async function answers(host: string, child: ChildProcess): Promise<void> {
  const { connect } = await import('node:net');
  const until = performance.now() + START_MS;
  const [hostname = '', port = ''] = host.split(':');
  while (child.exitCode === null && performance.now() < until) {
    const socket = connect(Number(port), hostname);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await delay(20); // not listening yet
    } finally {
      socket.destroy();
    }
  }
  throw new Error(child.exitCode === null ? 'it took too long' : `it ended with code ${child.exitCode}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
