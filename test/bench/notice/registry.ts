import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mediaTypes, parseReference, RegistryClient } from '#libs/oci';
import { tempDir, toolPath } from '#libs/testing';
import { endWithUs } from '../lib/children.js';
import { makeImage, pushImage } from '../../../libs/oci/src/testing/images.js';

export interface Listener {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

export interface NotifyingRegistry extends AsyncDisposable {
  readonly host: string;
  /**
   * Pushes an image that nobody has seen yet; answers when the PUT of its manifest was sent and when the registry's
   * answer to that was here, in milliseconds since the epoch.
   */
  push(repository: string): Promise<{ readonly sent: number; readonly answered: number }>;
}

/** CNCF Distribution on this port, which tells all listeners of every event, as its documentation sets it up. */
export const startNotifyingRegistry = async (
  port: number,
  listeners: readonly Listener[],
): Promise<NotifyingRegistry> => {
  const folder = await tempDir('bench-registry');
  const host = `127.0.0.1:${port}`;
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder.path, 'data') } },
    http: { addr: host },
    notifications: {
      endpoints: listeners.map((one) => ({ ...one, timeout: '2s', threshold: 5, backoff: '1s' })),
    },
  };
  const file = join(folder.path, 'config.yml');
  await writeFile(file, JSON.stringify(config));
  const child = endWithUs(spawn(toolPath('docker-registry'), ['serve', file], { stdio: 'ignore' }));
  const stop = async (): Promise<void> => {
    await client.close();
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await folder.remove();
  };
  const client = new RegistryClient({ hosts: [{ registry: host, scheme: 'http' }] });
  while (!(await answers(`http://${host}/v2/`))) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with code ${child.exitCode} on port ${port}.`);
    await delay(20);
  }
  let pushed = 0;
  return {
    host,
    push: async (repository) => {
      const reference = parseReference(`${host}/${repository}:1`);
      const image = makeImage('amd64', `${repository} ${pushed++} ${host}`);
      await pushImage(client, reference, image);
      const sent = Date.now();
      await client.putManifest(reference, mediaTypes.ociManifest, image.manifest.bytes);
      return { sent, answered: Date.now() };
    },
    [Symbol.asyncDispose]: stop,
  };
};

const answers = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // does not listen yet
  }
};
