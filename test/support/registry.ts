import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, repositoryRoot, tempDir, toolPath } from '#libs/testing';
import { BaseImages } from '../demo/base-image.js';

export interface RegistryOptions {
  /** Where it sends its notifications, and the value of their Authorization header. */
  readonly notify?: { readonly url: string; readonly authorization: string };
  /** Line of an htpasswd file. */
  readonly htpasswd?: string;
  /** Host of references; a free port of 127.0.0.1 by default. */
  readonly host?: string;
}

/** A docker-registry that can be stopped and started again, and whose every request can be counted. */
export interface JourneyRegistry {
  /** `127.0.0.1:PORT`, as it stands in references. */
  readonly host: string;
  /** Pushes a base image of busybox that carries the text; answers its digest. */
  push(repository: string, tag: string, text: string): Promise<string>;
  /** Puts a manifest that is there already behind another tag. */
  retag(repository: string, from: string, tag: string): Promise<void>;
  digestOf(repository: string, tag: string): Promise<string | null>;
  /** How often a manifest was put behind a tag of the repository. */
  putsOf(repository: string, tag: string): number;
  /** The access log, a line for each request. */
  journal(): string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Ends it, and removes what it stores. */
  close(): Promise<void>;
}

const started = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

export const startRegistry = async (options: RegistryOptions = {}): Promise<JourneyRegistry> => {
  const folder = await tempDir('journey-registry');
  const host = options.host ?? `127.0.0.1:${await freePort()}`;
  const { notify, htpasswd } = options;
  if (htpasswd) await writeFile(join(folder.path, 'htpasswd'), `${htpasswd}\n`);
  const config = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: join(folder.path, 'data') }, delete: { enabled: true } },
    http: { addr: host, secret: 'one that is the same after a restart' },
    log: { level: 'error' },
    ...(htpasswd && { auth: { htpasswd: { realm: 'journey', path: join(folder.path, 'htpasswd') } } }),
    ...(notify && {
      notifications: {
        endpoints: [
          {
            name: 'plinth',
            url: notify.url,
            headers: { Authorization: [notify.authorization] },
            timeout: '2s',
            threshold: 3,
            backoff: '1s',
          },
        ],
      },
    }),
  };
  const file = join(folder.path, 'config.json');
  await writeFile(file, JSON.stringify(config));
  const journalFile = join(folder.path, 'journal');
  const images = await BaseImages.of(toolPath('busybox'));
  let child: ChildProcess | undefined;

  const manifest = (repository: string, tag: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set('accept', accept);
    return fetch(`http://${host}/v2/${repository}/manifests/${tag}`, { ...init, headers });
  };

  const registry: JourneyRegistry = {
    host,
    push: async (repository, tag, text) => (await images.push(host, repository, tag, text)).digest,
    retag: async (repository, from, tag) => {
      const found = await manifest(repository, from);
      const headers = { 'content-type': found.headers.get('content-type') ?? '' };
      const put = await manifest(repository, tag, { method: 'PUT', body: await found.arrayBuffer(), headers });
      if (put.status !== 201) throw new Error(`${host} did not take ${repository}:${tag}: ${await put.text()}`);
    },
    digestOf: async (repository, tag) => {
      const found = await manifest(repository, tag, { method: 'HEAD' });
      return found.headers.get('docker-content-digest');
    },
    putsOf: (repository, tag) =>
      registry
        .journal()
        .split('\n')
        .filter((line) => line.includes(`"PUT /v2/${repository}/manifests/${tag} `) && line.includes('" 201 ')).length,
    journal: () => readFileSync(journalFile, 'utf8'),
    async start() {
      const output = openSync(journalFile, 'a');
      child = spawn(toolPath('docker-registry'), ['serve', file], {
        stdio: ['ignore', output, 'ignore'],
        cwd: repositoryRoot,
      });
      closeSync(output);
      const now = child;
      started.add(now);
      now.once('exit', () => started.delete(now));
      for (;;) {
        try {
          await fetch(`http://${host}/v2/`);
          return;
        } catch (error) {
          if (now.exitCode !== null) throw new Error(`docker-registry ended with ${now.exitCode}.`, { cause: error });
          await delay(20); // it does not listen yet
        }
      }
    },
    async stop() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
    async close() {
      await registry.stop();
      await folder.remove();
    },
  };
  await registry.start();
  return registry;
};
