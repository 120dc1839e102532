/** How secret arguments reach a client: never on its command line, which every user of the machine can read. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isDockerfileError, withArgumentValues } from '#libs/dockerfile';
import type { BuildOutcome } from './engine.js';

export interface GivenSecrets {
  readonly kind: 'given';
  /** Variables of the client, whose environment only this user can read. */
  readonly env: Readonly<Record<string, string>>;
  /** Build arguments whose values the client takes from variables of their names. */
  readonly arguments: readonly string[];
  /** Build secrets, as `--secret` takes them. */
  readonly secrets: readonly string[];
  /** What is to be built: the Dockerfile, or a private copy that holds the values of the other arguments. */
  readonly dockerfile: string;
}

export interface SecretPlaces {
  /** A folder of this job alone. */
  readonly dir: string;
  /** Absolute. */
  readonly dockerfile: string;
  /** Whether the client takes a build argument of this name from its environment, where it means nothing else. */
  readonly takesVariable: (name: string) => boolean;
}

/** Variables that mean something to every client, all of which are written in Go, or that hold secrets already. */
const everybodys = [
  'PATH',
  'HOME',
  'TMPDIR',
  'SOURCE_DATE_EPOCH',
  'SSL_CERT_*',
  'LD_*',
  'GO*',
  'DOCKER_*',
  'PLINTH_SECRET_*',
];

/** For a client that takes build arguments from its environment: all but variables that mean something to it (`NAME_*`). */
export const takesAllBut = (...own: string[]): SecretPlaces['takesVariable'] => {
  const taken = new RegExp(`^(?:${[...everybodys, ...own].join('|').replaceAll('*', '.*')})$`);
  return (name) => !taken.test(name);
};

/** BuildKit gives them to every step, without an ARG in the Dockerfile that could hold their value. */
const needsNoArg = /^(?:(?:https?|ftp|no|all)_proxy|BUILDKIT_.*|SOURCE_DATE_EPOCH)$/i;

/** Gives each secret as an argument and as a build secret; or answers why that cannot be. */
export async function giveSecrets(
  secretArgs: Readonly<Record<string, string>>,
  { dir, dockerfile, takesVariable }: SecretPlaces,
): Promise<GivenSecrets | BuildOutcome> {
  const names = Object.keys(secretArgs);
  const variables = names.filter(takesVariable);
  const written = names.filter((name) => !takesVariable(name));
  const hopeless = written.find((name) => needsNoArg.test(name));
  if (hopeless !== undefined) {
    const reason = `The engine could be given the secret argument ${hopeless} on a command line only, which every user of the machine can read. Take it as a secret of another name: RUN --mount=type=secret,id=NAME.`;
    return { kind: 'failed', code: 'FEATURE_UNSUPPORTED', reason };
  }
  const env: Record<string, string> = {};
  for (const name of variables) env[name] = secretArgs[name] ?? '';
  for (const [at, name] of written.entries()) env[`PLINTH_SECRET_${at}`] = secretArgs[name] ?? '';
  const given = {
    kind: 'given' as const,
    env,
    arguments: variables,
    secrets: [
      ...variables.map((name) => `id=${name},env=${name}`),
      ...written.map((name, at) => `id=${name},env=PLINTH_SECRET_${at}`),
    ],
  };
  if (written.length === 0) return { ...given, dockerfile };
  try {
    const values = Object.fromEntries(written.map((name) => [name, secretArgs[name] ?? '']));
    const text = withArgumentValues(await readFile(dockerfile, 'utf8'), values);
    return { ...given, dockerfile: await privateCopy(dir, dockerfile, text) };
  } catch (error) {
    if (!isDockerfileError(error)) throw error;
    return { kind: 'failed', code: 'DOCKERFILE_INVALID', reason: error.message };
  }
}

async function privateCopy(dir: string, dockerfile: string, text: string): Promise<string> {
  const folder = join(dir, 'dockerfile');
  await mkdir(folder, { mode: 0o700 });
  const copy = join(folder, basename(dockerfile));
  await writeFile(copy, text, { mode: 0o600 });
  // It goes with the file of its name, wherever that is.
  await copyFile(`${dockerfile}.dockerignore`, `${copy}.dockerignore`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  return copy;
}
