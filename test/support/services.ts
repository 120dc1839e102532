import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type Client } from '#libs/client';
import { services, type ServiceName } from '#libs/contracts';
import { freePort, startNats, tempDir, type NatsOptions, type NatsServer, type TempDir } from '#libs/testing';
import { ServiceProcess } from '../chaos/service-process.js';

export interface ServicesOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly nats?: NatsOptions;
  /** All four unless said. */
  readonly only?: readonly ServiceName[];
  /** They are started by whoever wants them. */
  readonly idle?: boolean;
  /** Longest that a start may take, in milliseconds. */
  readonly readyMs?: number;
}

/** Services as processes of their own, on a nats-server; without an engine: nothing is built. */
export class Services {
  private constructor(
    private readonly dir: TempDir,
    readonly nats: NatsServer,
    readonly keyFile: string,
    readonly token: string,
    readonly processes: Readonly<Record<ServiceName, ServiceProcess>>,
  ) {}

  static async start({
    env = {},
    nats: natsOptions,
    only = services,
    idle = false,
    readyMs,
  }: ServicesOptions = {}): Promise<Services> {
    const [dir, nats] = await Promise.all([tempDir('services'), startNats(natsOptions)]);
    const keyFile = join(dir.path, 'keys');
    await writeFile(keyFile, `k1 ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    const token = randomBytes(24).toString('base64url');
    const started = await Promise.all(
      only.map(async (name) => {
        const process = new ServiceProcess({
          name,
          app: name,
          dir: dir.path,
          port: await freePort(),
          ...(readyMs === undefined ? {} : { readyMs }),
          env: {
            PLINTH_NATS_URL: nats.url,
            PLINTH_KEY_FILE: keyFile,
            PLINTH_TOKEN: token,
            PLINTH_VALIDATE_RESPONSES: 'true',
            PLINTH_DOCKER_HOST: `unix://${join(dir.path, 'no-docker.sock')}`,
            ...env,
          },
        });
        return [name, process] as const;
      }),
    );
    const processes = Object.fromEntries(started) as Record<ServiceName, ServiceProcess>;
    if (!idle) await Promise.all(Object.values(processes).map((process) => process.start()));
    return new Services(dir, nats, keyFile, token, processes);
  }

  /** A client of one service; with the first admin token unless another one is given. */
  client(service: ServiceName, token: string = this.token): Client {
    return createClient({ baseUrl: this.processes[service].url, token });
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.processes).map((process) => process.stop()));
    await this.nats.stop();
    await this.dir.remove();
  }
}
