/** What the supervised server is started with. */
export interface NatsSettings {
  readonly port: number;
  readonly storeDir: string;
  readonly pidFile: string;
  readonly user: string;
  readonly password: string;
  /** Most bytes that JetStream may store; without a limit it takes three quarters of the disk. */
  readonly maxFileStore: number;
}

/**
 * The configuration of the embedded server. `sync_interval: always`: an acknowledged event survives a power failure
 * (with the default of two minutes it does not). Loopback only, and with a password: others on this machine must not
 * write events.
 */
export const natsConfig = ({ port, storeDir, pidFile, user, password, maxFileStore }: NatsSettings): string =>
  [
    'server_name: plinth',
    `listen: "127.0.0.1:${port}"`,
    `pid_file: ${JSON.stringify(pidFile)}`,
    'max_payload: 8MB',
    `authorization { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)} }`,
    'jetstream {',
    `  store_dir: ${JSON.stringify(storeDir)}`,
    '  sync_interval: always',
    `  max_file_store: ${maxFileStore}`,
    '  max_memory_store: 67108864',
    '}',
    '',
  ].join('\n');
