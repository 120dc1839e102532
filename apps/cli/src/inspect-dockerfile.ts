import {
  type ImageUse,
  type ImageUseJson,
  isDockerfileError,
  resolveDockerfile,
  toJson,
  type UnknownImage,
} from '#libs/dockerfile';
import { parsePlatform, parseReference } from '#libs/oci';
import { CliError, usageError } from './errors.js';
import { openRegistries, registryProblem } from './registries.js';
import type { RegistryOptions } from './registry-options.js';
import type { Session } from './session.js';

export interface DockerfileQuestion extends RegistryOptions {
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly buildContexts: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform?: readonly string[];
  readonly offline?: boolean;
}

export interface DockerfileAnswer {
  readonly images: readonly ImageUse[];
  readonly json: readonly ImageUseJson[];
  readonly unknown: readonly UnknownImage[];
}

/**
 * The images that a Dockerfile uses. Triggers of its bases are read from their registries, unless offline.
 *
 * @throws CliError (usage) when a name cannot be known; of a registry, its problem and how to go on without it
 */
export const inspectDockerfile = async (
  session: Session,
  content: string,
  question: DockerfileQuestion,
): Promise<DockerfileAnswer> => {
  const { buildArgs, buildContexts, target, platform = [], offline = false } = question;
  const { interrupted: signal } = session.io;
  const registries = offline ? undefined : await openRegistries(session, question, []);
  try {
    const { images, unknown } = await resolveDockerfile(content, {
      buildArgs,
      buildContexts,
      platforms: platform,
      ...(target === undefined ? {} : { target }),
      ...(registries && {
        onBuild: async (reference, wanted) => {
          const { config } = await registries.getConfig(parseReference(reference), parsePlatform(wanted), { signal });
          return config.config?.OnBuild ?? [];
        },
      }),
    });
    return { images, unknown, json: toJson({ images }) };
  } catch (error) {
    if (isDockerfileError(error)) throw usageError(error.message);
    const problem = registryProblem(error);
    if (!(problem instanceof CliError) || problem === error) throw problem;
    const { message, exit, next } = problem;
    throw new CliError(message, exit, `${next ?? 'try again'}; or --offline, which reads no registry`);
  } finally {
    await registries?.close();
  }
};
