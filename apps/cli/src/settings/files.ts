import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

type Env = Readonly<Record<string, string | undefined>>;

/** `$XDG_CONFIG_HOME/plinth/contexts.yaml`. */
export const contextsFile = (env: Env): string =>
  join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'plinth', 'contexts.yaml');

/** `$XDG_STATE_HOME/plinth/positions.json`: what may be lost. */
export const positionsFile = (env: Env): string =>
  join(env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local/state'), 'plinth', 'positions.json');

/** Folder of the clone or installation that this program is part of. */
export const installation = (): string => {
  // Below dist/ when compiled, not when a test runs the source.
  const above = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
  return above.endsWith('/dist') ? dirname(above) : above;
};

/** The nats-server that the tools of this installation hold; undefined where the one on PATH is meant. */
export const natsServer = (): string | undefined => {
  const fetched = join(installation(), '.plinth/tools/bin/nats-server');
  return existsSync(fetched) ? fetched : undefined;
};

/** Data folder of the standalone. */
export const dataFolder = (env: Env): string => env['PLINTH_DATA'] || join(installation(), '.plinth/data');

/** Where `plinth up` keeps the first admin token. */
export const adminTokenFile = (env: Env): string => join(dataFolder(env), 'admin.token');
