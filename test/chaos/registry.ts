import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, toolPath } from '#libs/testing';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface RegistryOptions {
  readonly dir: string;
  /** Where Plinth wants to hear of pushes, given the registry's own host; and the value of the Authorization header. */
  readonly hook: (host: string) => { readonly url: string; readonly authorization: string };
}

/**
 * A docker-registry that writes two journals: its access log, one line for each request in the order of the answers,
 * and its notifications of pushed manifests, which also name the digest.
 */
export class JournalingRegistry {
  private constructor(
    readonly host: string,
    /** File with the access log. */
    readonly accessLog: string,
    /** File with one notification a line, as the registry sent it. */
    readonly notices: string,
    private readonly child: ChildProcess,
    private readonly collector: Server,
  ) {}

  static async start({ dir, hook }: RegistryOptions): Promise<JournalingRegistry> {
    const host = `127.0.0.1:${await freePort()}`;
    const [accessLog, notices] = [join(dir, 'registry.journal'), join(dir, 'registry.notices')];
    await writeFile(notices, '');
    const collector = await collect(notices);
    const address = collector.address();
    const collectorPort = typeof address === 'object' && address ? address.port : 0;
    const { url, authorization } = hook(host);
    const endpoint = { timeout: '2s', threshold: 1_000, backoff: '500ms', ignore: { actions: ['pull'] } };
    const config = {
      version: '0.1',
      log: { level: 'warn', accesslog: { disabled: false } },
      storage: { filesystem: { rootdirectory: join(dir, 'registry') } },
      http: { addr: host },
      notifications: {
        endpoints: [
          { name: 'plinth', url, headers: { Authorization: [authorization] }, ...endpoint },
          { name: 'journal', url: `http://127.0.0.1:${collectorPort}/`, ...endpoint },
        ],
      },
    };
    await writeFile(join(dir, 'registry.yml'), JSON.stringify(config));
    const files = [openSync(accessLog, 'a'), openSync(join(dir, 'registry.log'), 'a')] as const;
    const child = spawn(toolPath('docker-registry'), ['serve', join(dir, 'registry.yml')], {
      stdio: ['ignore', ...files],
    });
    for (const file of files) closeSync(file);
    running.add(child);
    let end: string | undefined;
    void once(child, 'exit').then(() => {
      running.delete(child);
      end = `exit code ${child.exitCode}`;
    });
    while (!(await answers(host))) {
      if (end !== undefined)
        throw new Error(`docker-registry ended with ${end}: ${await readFile(join(dir, 'registry.log'), 'utf8')}`);
      await delay(20);
    }
    return new JournalingRegistry(host, accessLog, notices, child, collector);
  }

  async stop(): Promise<void> {
    if (running.has(this.child)) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await ended;
    }
    this.collector.closeAllConnections();
    await new Promise((resolve) => this.collector.close(resolve));
  }
}

const answers = (host: string): Promise<boolean> =>
  fetch(`http://${host}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  );

/** Keeps the notifications, in the order in which they come. */
const collect = async (file: string): Promise<Server> => {
  let writing = Promise.resolve();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { events } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { events: unknown[] };
      const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
      writing = writing.then(() => appendFile(file, lines)).then(() => void response.writeHead(200).end());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};
