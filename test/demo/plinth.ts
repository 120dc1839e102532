import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type Client } from '#libs/client';
import type { Processes, Started } from './processes.js';
import { freePort, path, root, type Workplace } from './workplace.js';

export interface Plinth {
  readonly url: string;
  readonly grpc: string;
  readonly tokenFile: string;
  readonly log: string;
  readonly client: Client;
  readonly process: Started;
}

/** Longest that a start may take, in milliseconds; a new Docker daemon is the slow part. */
const readyMs = 60_000;

/** Starts the standalone application as `npm start` does, on an empty data folder, and waits until it is ready. */
export const startPlinth = async (workplace: Workplace, processes: Processes): Promise<Plinth> => {
  if (process.getuid?.() !== 0 && !process.env['PLINTH_DOCKER_HOST']) {
    throw new Error(
      'The demo builds with a Docker daemon of its own, which only root may start. Run it as root, or name a daemon that stores images in containerd: PLINTH_DOCKER_HOST=unix:///var/run/docker.sock npm run demo',
    );
  }
  const http = await freePort();
  const grpc = await freePort();
  const token = randomBytes(24).toString('base64url');
  const tokenFile = workplace.file('token');
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
  const log = workplace.log('plinth.log');
  const started = await processes.start({
    name: 'Plinth',
    command: process.execPath,
    args: ['--enable-source-maps', join(root, 'dist/apps/standalone/src/main.js')],
    log,
    env: {
      ...process.env,
      PATH: path,
      PLINTH_DATA: workplace.file('plinth'),
      PLINTH_HTTP_PORT: String(http),
      PLINTH_GRPC_PORT: String(grpc),
      PLINTH_ENGINE: 'docker',
      PLINTH_TOKEN: token,
    },
  });
  const url = `http://127.0.0.1:${http}`;
  let end: string | undefined;
  void started.ended.then((how) => (end = how));
  const deadline = performance.now() + readyMs;
  for (;;) {
    const { ready, words } = await readiness(url);
    if (ready) break;
    if (end !== undefined) throw new Error(`Plinth ended with ${end} before it was ready; its log is ${log}.`);
    if (performance.now() > deadline) {
      throw new Error(`Plinth was not ready within ${readyMs / 1000} s: ${words} Its log is ${log}.`);
    }
    await delay(25);
  }
  const client = createClient({ baseUrl: url, token });
  return { url, grpc: `127.0.0.1:${grpc}`, tokenFile, log, client, process: started };
};

const readiness = async (url: string): Promise<{ ready: boolean; words: string }> => {
  try {
    const response = await fetch(`${url}/health/ready`);
    const { missing = {} } = (await response.json()) as { missing?: Record<string, string> };
    return { ready: response.ok, words: Object.values(missing).join(' ') };
  } catch (error) {
    return { ready: false, words: `${url} does not answer (${(error as Error).message}).` };
  }
};
