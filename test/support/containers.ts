/** deploy/ as its users run it: images by the container file, containers by the compose files, on a daemon of the test. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  cp,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, repositoryRoot, tempDir, toolPath, type TempDir } from '#libs/testing';
import { ManagedDockerd } from '../../apps/builder/src/engines/index.js';
import { useUnpackedTools } from '../../apps/builder/src/engines/testing/tools.js';

const run = promisify(execFile);
/** The user of the image. */
const user = 10001;

export interface Ended {
  readonly code: number;
  readonly out: string;
}

export interface DeploymentOptions {
  /** A registry that is spoken to by plain HTTP. */
  readonly registry: string;
  readonly token: string;
}

/** Plinth in containers. They share the network of this machine, as the daemon makes no bridge, and listen on loopback. */
export class Deployment {
  private constructor(
    private readonly dir: TempDir,
    /** Inside the clone, where files can be linked instead of copied. */
    private readonly near: string,
    private readonly dockerd: ManagedDockerd,
    private readonly env: NodeJS.ProcessEnv,
    /** Address of the front. */
    readonly url: string,
  ) {}

  static async start({ registry, token }: DeploymentOptions): Promise<Deployment> {
    useUnpackedTools();
    const dir = await tempDir('deploy');
    const parent = join(repositoryRoot, '.plinth/test');
    await mkdir(parent, { recursive: true });
    const near = await mkdtemp(join(parent, 'deploy-'));
    const dockerd = new ManagedDockerd({ dir: join(dir.path, 'docker'), registries: [{ registry, scheme: 'http' }] });
    const [host, port] = [await dockerd.host(), await freePort()];
    const socket = host.slice('unix://'.length);
    const keys = join(dir.path, 'plinth.keys');
    await writeFile(keys, `k1 ${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
    await chown(keys, user, user);
    const deployment = new Deployment(
      dir,
      near,
      dockerd,
      {
        ...process.env,
        DOCKER_HOST: host,
        DOCKER_CONFIG: join(dir.path, 'docker-config'),
        COMPOSE_PROJECT_NAME: 'plinth-journey',
        PLINTH_IMAGE: 'plinth:journey',
        PLINTH_NATS_IMAGE: 'plinth-base:journey',
        PLINTH_FRONT_IMAGE: 'plinth-base:journey',
        PLINTH_NATS_PASSWORD: '31415926',
        PLINTH_TOKEN: token,
        PLINTH_KEYS: keys,
        PLINTH_SITE: `http://127.0.0.1:${port}`,
        PLINTH_DOCKER_HOST: 'unix:///run/docker.sock',
        PLINTH_DOCKER_SOCKET: socket,
        PLINTH_DOCKER_GROUP: String((await stat(socket)).gid),
      },
      `http://127.0.0.1:${port}`,
    );
    try {
      await deployment.images();
      await deployment.overlay();
      return deployment;
    } catch (error) {
      await deployment.close();
      throw error;
    }
  }

  /** Starts what compose.yaml describes; resolves when every container is healthy. @throws Error with what compose said */
  async up(): Promise<void> {
    const { code, out } = await this.compose('up', '--detach', '--wait', '--quiet-pull');
    if (code === 0) return;
    throw new Error(`compose up ended with ${code}:\n${out}\n${(await this.compose('logs', '--tail', '20')).out}`);
  }

  /** compose.yaml with the overlay of a local engine and that of this test. */
  compose(...args: readonly string[]): Promise<Ended> {
    const files = ['deploy/compose.yaml', 'deploy/compose.socket.yaml', join(this.dir.path, 'compose.test.yaml')];
    return this.command('docker-compose', [...files.flatMap((file) => ['-f', file]), ...args]);
  }

  docker(...args: readonly string[]): Promise<Ended> {
    return this.command('docker', args);
  }

  async close(): Promise<void> {
    await this.compose('down', '--volumes', '--timeout', '20');
    await this.dockerd.close();
    await rm(this.near, { recursive: true, force: true });
    await this.dir.remove();
  }

  private async command(program: string, args: readonly string[]): Promise<Ended> {
    const child = execFile(toolPath(program), args, {
      cwd: repositoryRoot,
      env: this.env,
      maxBuffer: 64 * 1024 * 1024,
    });
    let out = '';
    child.stdout?.on('data', (chunk: string) => (out += chunk));
    child.stderr?.on('data', (chunk: string) => (out += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code: code ?? 1, out };
  }

  /**
   * Makes the base that no registry has to be reached for, and the image on it. Packages and compiled code are those of
   * this clone; the stages that would fetch and compile them are replaced, the others are the container file's own.
   */
  private async images(): Promise<void> {
    const [base, app] = [join(this.near, 'base'), join(this.near, 'app')];
    await Promise.all([makeBase(base), makeApp(app)]);
    await this.build('plinth-base:journey', base, ['-f', join(base, 'Dockerfile')]);
    await this.build('plinth:journey', repositoryRoot, [
      '-f',
      'deploy/Dockerfile',
      '--build-arg=BASE=plinth-base:journey',
      '--build-context=programs=docker-image://plinth-base:journey',
      `--build-context=app=${app}`,
    ]);
  }

  private async build(name: string, context: string, args: readonly string[]): Promise<void> {
    // Compressing would take longer than everything else here.
    const output = `--output=type=image,name=docker.io/library/${name},compression=uncompressed,unpack=true`;
    const all = ['build', '--builder=default', '--provenance=false', '--progress=plain', output, ...args, context];
    const { code, out } = await this.command('docker-buildx', all);
    if (code !== 0) throw new Error(`Building ${name} ended with ${code}:\n${out}`);
  }

  /** What is different on this machine: the network, addresses, and memory in place of volumes. */
  private async overlay(): Promise<void> {
    const ports: Record<string, number> = {};
    for (const name of ['nats', 'monitor', 'watcher', 'graph', 'scheduler', 'builder']) ports[name] = await freePort();
    const local = (name: string): string => `127.0.0.1:${ports[name]}`;
    const host = { network_mode: 'host', init: false };
    const service = (name: string, more: object = {}): object => ({
      ...host,
      volumes: name === 'builder' ? [`${this.env['PLINTH_DOCKER_SOCKET']}:/run/docker.sock`] : [],
      tmpfs: [`/var/lib/plinth:uid=${user},gid=${user},mode=0700`],
      environment: {
        PLINTH_HOST: '127.0.0.1',
        PLINTH_HTTP_PORT: String(ports[name]),
        PLINTH_GRPC_PORT: '0',
        PLINTH_NATS_URL: `nats://${local('nats')}`,
        ...more,
      },
    });
    const overlay = {
      services: {
        nats: {
          ...host,
          entrypoint: ['nats-server'],
          environment: { NATS_LISTEN: local('nats'), NATS_MONITOR: local('monitor') },
          healthcheck: {
            test: ['CMD', 'wget', '-q', '-O', '-', `http://${local('monitor')}/healthz`],
            interval: '500ms',
          },
        },
        watcher: service('watcher'),
        graph: service('graph'),
        scheduler: service('scheduler'),
        builder: service('builder', { PLINTH_BUILD_NETWORK: 'host' }),
        front: {
          ...host,
          command: ['caddy', 'run', '--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile'],
          environment: {
            PLINTH_WATCHER: local('watcher'),
            PLINTH_GRAPH: local('graph'),
            PLINTH_SCHEDULER: local('scheduler'),
            XDG_DATA_HOME: '/data',
            XDG_CONFIG_HOME: '/config',
          },
        },
      },
    };
    await writeFile(join(this.dir.path, 'compose.test.yaml'), yaml(overlay));
  }
}

/** JSON is YAML; what compose must replace instead of join is tagged. */
const yaml = (overlay: { services: Record<string, object> }): string => {
  const tagged = Object.fromEntries(
    Object.entries(overlay.services).map(([name, one]) => [name, name === 'front' ? { ...one, ports: '!reset' } : one]),
  );
  const text = JSON.stringify({ services: tagged }, undefined, 1);
  return text.replaceAll('"!reset"', '!reset []').replaceAll('"volumes": [', '"volumes": !override [');
};

/** A base of this machine's own files: busybox, Node 24, the clients of an engine, and the servers beside Plinth. */
const makeBase = async (folder: string): Promise<void> => {
  await mkdir(join(folder, 'bin'), { recursive: true });
  await mkdir(join(folder, 'data'), { recursive: true });
  await copy(toolPath('busybox'), join(folder, 'bin/busybox'));
  for (const applet of ['cat', 'id', 'sh', 'touch', 'wget']) await symlink('busybox', join(folder, 'bin', applet));
  const programs = ['docker', 'docker-buildx', 'nats-server', 'caddy'].map(toolPath);
  for (const program of [process.execPath, ...programs]) {
    await copy(program, join(folder, 'usr/local/bin', basename(program)));
    for (const library of await librariesOf(program)) await copy(library, join(folder, library));
  }
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/bin\n');
};

/** Shared libraries of a program, with the loader; none of a static one. */
const librariesOf = async (program: string): Promise<string[]> => {
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' }));
  return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(/gm)].map(([, path]) => path ?? '');
};

/** What the container file's stage `app` holds, from this clone: packages without those of development, compiled code. */
const makeApp = async (folder: string): Promise<void> => {
  const lock = JSON.parse(await readFile(join(repositoryRoot, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; optional?: boolean }>;
  };
  const wanted = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional, optional }]) => path !== '' && !dev && !devOptional && !optional,
  );
  for (const [path] of wanted) await linkTree(join(repositoryRoot, path), join(folder, path), ['node_modules']);
  await linkTree(join(repositoryRoot, 'dist/apps'), join(folder, 'dist/apps'));
  await linkTree(join(repositoryRoot, 'dist/libs'), join(folder, 'dist/libs'));
  await linkTree(join(repositoryRoot, 'deploy'), join(folder, 'deploy'));
  await copy(join(repositoryRoot, 'package.json'), join(folder, 'package.json'));
};

/** What the container file leaves out, and specs, which are not compiled there. */
const unneeded = /\.(?:[cm]?ts|md|c|h|spec\.js|spec\.js\.map)$/;

/** Hard links of all files below a folder. Packages inside packages have entries of their own in the lock file. */
const linkTree = async (from: string, to: string, without: readonly string[] = []): Promise<void> => {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (without.includes(entry.name) || (entry.isFile() && unneeded.test(entry.name))) continue;
    if (entry.isDirectory()) await linkTree(source, target, without);
    else if (entry.isSymbolicLink()) await cp(source, target, { verbatimSymlinks: true });
    else await link(source, target);
  }
};

const copy = async (from: string, to: string): Promise<void> => {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o755);
};
