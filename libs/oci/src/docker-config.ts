import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { RegistryCredentials } from './hosts.js';

/** Docker's config.json cannot be used; the message says which file and what is wrong, without its secrets. */
export class DockerConfigError extends Error {
  override readonly name = 'DockerConfigError';
  readonly code = 'DOCKER_CONFIG_INVALID';
}

const schema = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        identitytoken: z.string().optional(),
      }),
    )
    .optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});

export type DockerConfig = z.output<typeof schema>;

const HELPER_NAME = /^[A-Za-z0-9._-]+$/;
const HELPER_TIMEOUT_MS = 30_000;
const HUB_KEY = 'https://index.docker.io/v1/';

/** `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
export function dockerConfigPath(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json');
}

/** @returns an empty configuration when there is no such file. @throws DockerConfigError */
export async function readDockerConfig(path = dockerConfigPath()): Promise<DockerConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new DockerConfigError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return parseDockerConfig(text, path);
}

/** @param path named in errors. @throws DockerConfigError */
export function parseDockerConfig(text: string, path: string): DockerConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Not the parser's words: they quote the text, which has passwords.
    throw new DockerConfigError(`${path} is not JSON`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.slice(0, 1).join('.') || 'the top level';
  throw new DockerConfigError(`${path} is not a Docker configuration: see ${where}`);
}

/**
 * The login for a registry, looked up as docker does: its own helper, then the store for all, then `auths`.
 * @param registry as in references; docker.io is kept under `https://index.docker.io/v1/`
 * @throws DockerConfigError when a helper is named but fails
 */
export async function dockerCredentials(
  config: DockerConfig,
  registry: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<RegistryCredentials | undefined> {
  const keys = registry === 'docker.io' ? [HUB_KEY, 'docker.io', 'index.docker.io'] : [registry];
  for (const key of keys) {
    const helper = own(config.credHelpers, key) ?? config.credsStore;
    const credentials = helper ? await askHelper(helper, key, env) : undefined;
    if (credentials) return credentials;
  }
  const wanted = new Set(keys.map(hostOf));
  const exact = keys.map((key) => own(config.auths, key)).find((entry) => entry !== undefined);
  const entry = exact ?? Object.entries(config.auths ?? {}).find(([key]) => wanted.has(hostOf(key)))?.[1];
  return entry && fromEntry(entry);
}

function fromEntry(entry: NonNullable<DockerConfig['auths']>[string]): RegistryCredentials | undefined {
  if (entry.identitytoken) return { identityToken: entry.identitytoken };
  if (entry.username !== undefined && entry.password !== undefined) {
    return { username: entry.username, password: entry.password };
  }
  const decoded = Buffer.from(entry.auth ?? '', 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  // Docker used to pad the password with NULs.
  return colon < 1
    ? undefined
    : { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

/** Runs `docker-credential-<helper> get` (docker/docker-credential-helpers): host on stdin, JSON on stdout. */
function askHelper(helper: string, key: string, env: NodeJS.ProcessEnv): Promise<RegistryCredentials | undefined> {
  if (!HELPER_NAME.test(helper)) {
    return Promise.reject(new DockerConfigError(`${JSON.stringify(helper)} is not the name of a credential helper`));
  }
  const program = `docker-credential-${helper}`;
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      ['get'],
      { env, timeout: HELPER_TIMEOUT_MS, maxBuffer: 1024 * 1024 },
      (error, stdout) => {
        // The helper's way to say "I know none" is exit 1 with this sentence on stdout.
        if (error && /credentials not found/i.test(stdout)) return resolve(undefined);
        if (error) {
          const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not on PATH' : `it failed`;
          return reject(new DockerConfigError(`${program} gave no credentials for ${key}: ${why}`));
        }
        try {
          const { Username, Secret } = z.object({ Username: z.string(), Secret: z.string() }).parse(JSON.parse(stdout));
          resolve(Username === '<token>' ? { identityToken: Secret } : { username: Username, password: Secret });
        } catch {
          reject(new DockerConfigError(`${program} answered something else than credentials for ${key}`));
        }
      },
    );
    child.stdin?.on('error', () => undefined); // a helper that does not read its input fails by its exit code
    child.stdin?.end(key);
  });
}

/** Keys may be hosts or, from old clients, URLs. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

/** A key such as `__proto__` must not find what every object has. */
function own<T>(record: Record<string, T> | undefined, key: string): T | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}
