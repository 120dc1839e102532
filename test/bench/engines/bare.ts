import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runDirOf as socketsOf } from '../../../apps/builder/src/engines/daemon.js';
import { runDirOf as dockerSocketsOf } from '../../../apps/builder/src/engines/docker-buildx/managed-dockerd.js';

/** What somebody without Plinth would type: build this folder, and push the result under this name. */
export interface BareBuild {
  readonly contextDir: string;
  readonly image: string;
  /** Value of the build argument ROUND, so that something is to be done. */
  readonly round: string;
}

export interface BareEngine {
  /** As PLINTH_ENGINE has it. */
  readonly name: 'docker' | 'buildkit' | 'buildah';
  readonly program: string;
  build(build: BareBuild): Promise<void>;
}

/** The commands, against the very daemon that the Plinth with this folder runs; Buildah with a store of its own. */
export const bareEngines = (dataDir: string, folder: string): readonly BareEngine[] => [
  {
    name: 'docker',
    program: 'docker-buildx',
    build: ({ contextDir, image, round }) =>
      run(
        'docker-buildx',
        [
          'build',
          '--progress=plain',
          '--provenance=false',
          '--network=host',
          '--allow=network.host',
          `--build-arg=ROUND=${round}`,
          `--output=type=image,name=${image},push=true,unpack=false`,
          contextDir,
        ],
        { DOCKER_HOST: `unix://${join(dockerSocketsOf(join(dataDir, 'builder', 'docker')).path, 'docker.sock')}` },
      ),
  },
  {
    name: 'buildkit',
    program: 'buildctl',
    build: ({ contextDir, image, round }) => {
      const sockets = socketsOf(join(dataDir, 'builder', 'buildkit'), 'buildkit', '/buildkitd.sock');
      return run('buildctl', [
        `--addr=unix://${join(sockets.path, 'buildkitd.sock')}`,
        'build',
        '--progress=plain',
        '--frontend=dockerfile.v0',
        `--local=context=${contextDir}`,
        `--local=dockerfile=${contextDir}`,
        `--opt=build-arg:ROUND=${round}`,
        `--output=type=image,name=${image},push=true`,
      ]);
    },
  },
  {
    name: 'buildah',
    program: 'buildah',
    build: async ({ contextDir, image, round }) => {
      const storage = await storeOf(join(folder, 'bare-buildah'));
      await run(
        'buildah',
        [
          'build',
          '--layers',
          '--isolation=oci',
          '--runtime=runc',
          '--network=host',
          '--tls-verify=false',
          `--build-arg=ROUND=${round}`,
          `--tag=${image}`,
          contextDir,
        ],
        storage,
      );
      await run('buildah', ['push', '--tls-verify=false', image], storage);
    },
  },
];

/** A store of Buildah in this folder, as variables. */
export const storeOf = async (folder: string): Promise<NodeJS.ProcessEnv> => {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'storage.conf');
  const settings = { driver: 'overlay', graphroot: join(folder, 'graph'), runroot: join(folder, 'run') };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  await writeFile(file, `[storage]\n${lines.join('\n')}\n`);
  return { CONTAINERS_STORAGE_CONF: file };
};

/** @throws Error with what the program said when it does not end well */
export const run = async (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> => {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with code ${code}:\n${said}`);
};
