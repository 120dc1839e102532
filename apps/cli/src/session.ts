import type { Client } from '#libs/client';
import { createClient } from '#libs/client/http';
import { Interrupted } from './errors.js';
import type { Io } from './io.js';
import type { CommonOptions } from './options.js';
import { Printer } from './output/printer.js';
import { resolveConnection, type Connection } from './settings/connection.js';
import { readContexts } from './settings/contexts.js';
import { keepPosition, lastPosition } from './settings/positions.js';
import { adminTokenFile, contextsFile, positionsFile } from './settings/files.js';

/** What a command works with: the server, the printer, and the process around it. */
export class Session {
  readonly printer: Printer;
  #connection: Promise<Connection> | undefined;
  #client: Promise<Client> | undefined;

  constructor(
    readonly io: Io,
    readonly options: CommonOptions,
    /** What is read is at least as new as this position of the log; that of the command before unless said. */
    private readonly position?: number,
  ) {
    this.printer = new Printer(io, options);
  }

  readonly connection = (): Promise<Connection> => {
    const { io, options } = this;
    return (this.#connection ??= readContexts(contextsFile(io.env)).then((contexts) =>
      resolveConnection({ options, env: io.env, contexts, adminTokenFile: adminTokenFile(io.env) }),
    ));
  };

  /** The typed client of the server that is in use. Nothing is asked before its first call. */
  readonly client = (): Promise<Client> =>
    (this.#client ??= this.connection().then(({ server, token }) => this.clientOf(server, token)));

  /** A client of another server, or with another token. */
  clientOf(server: string, token: string | undefined): Client {
    // Somebody waits at a terminal: a few tries, not as many as a service makes.
    return createClient({
      baseUrl: server,
      ...(token === undefined ? {} : { token }),
      retry: { attempts: 3 },
      position: this.position ?? lastPosition(positionsFile(this.io.env), server),
      signal: this.io.interrupted,
    });
  }

  /** Leaves what this command wrote for the next one to read. */
  async end(): Promise<void> {
    if (!this.#client || !this.#connection) return;
    const [{ server }, { position }] = await Promise.all([this.#connection, this.#client]);
    if (position > 0) keepPosition(positionsFile(this.io.env), server, position);
  }

  /** @throws Interrupted after Ctrl-C */
  throwIfInterrupted(): void {
    if (this.io.interrupted.aborted) throw new Interrupted();
  }
}
