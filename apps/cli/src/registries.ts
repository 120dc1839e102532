import {
  dockerConfigPath,
  dockerCredentials,
  InvalidReferenceError,
  isRegistryError,
  parseReference,
  readDockerConfig,
  RegistryClient,
  type Reference,
} from '#libs/oci';
import { exitCodes } from '#libs/contracts/light';
import { CliError, usageError } from './errors.js';
import type { RegistryOptions } from './registry-options.js';
import type { Session } from './session.js';
import { version } from './version.js';

/** @throws CliError (usage) that names the option or argument */
export const imageReference = (text: string, name: string): Reference => {
  try {
    return parseReference(text);
  } catch (error) {
    throw usageError(`${name}: ${(error as InvalidReferenceError).message}`);
  }
};

/**
 * A client that reads registries as docker would: with the logins of Docker's config.json, by https. Those in `named`
 * and of --allow-registry may be anywhere, and are spoken to by plain HTTP when that is asked for; any other registry was
 * named by an image or a file, and must have a public address.
 */
export const openRegistries = async (
  { io }: Pick<Session, 'io'>,
  { plainHttp = false, allowRegistry = [] }: RegistryOptions,
  named: readonly string[],
): Promise<RegistryClient> => {
  const { env } = io;
  const config = await readDockerConfig(dockerConfigPath(env));
  const allowed = new Set([...named, ...allowRegistry.map((host) => parseReference(`${host}/x`).registry)]);
  return new RegistryClient({
    hosts: (registry) => ({
      registry,
      scheme: plainHttp && allowed.has(registry) ? 'http' : 'https',
      unlisted: !allowed.has(registry),
      credentials: () => dockerCredentials(config, registry, env),
    }),
    userAgent: `plinth/${version()}`,
    // Somebody waits at a terminal.
    retries: 1,
    fetchTimeouts: { connectMs: 5_000, headersMs: 15_000, bodyMs: 15_000, totalMs: 60_000 },
  });
};

/** What a registry did not do, as an error of this command line: exit code and next step. Others stay as they are. */
export const registryProblem = (error: unknown): unknown => {
  if (error instanceof InvalidReferenceError) return usageError(error.message);
  if (!isRegistryError(error)) return error;
  const { code, message, registry } = error;
  switch (code) {
    case 'NOT_FOUND':
      return new CliError(message, exitCodes.notFound, 'check the name, and with --platform the platform');
    case 'UNAUTHORIZED':
    case 'DENIED':
      return new CliError(
        message,
        exitCodes.denied,
        `log in with docker login ${registry}; an image that is not there may be refused, too`,
      );
    case 'FORBIDDEN_ADDRESS':
      return new CliError(message, exitCodes.failure, `--allow-registry ${registry} reads it at a private address`);
    case 'UNAVAILABLE':
    case 'TIMEOUT':
      return new CliError(
        message,
        exitCodes.failure,
        'check the host and port; --plain-http speaks to a registry without TLS',
      );
    default:
      return new CliError(message, exitCodes.failure);
  }
};
