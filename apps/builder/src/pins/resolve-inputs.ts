import type { Argument, TaskDefinition, UsedInput } from '#libs/contracts';
import { resolveDockerfile, type ImageUse, type Resolution } from '#libs/dockerfile';
import type { BaseConfigs } from './base-configs.js';
import type { PinBook } from './pin-book.js';
import { platformDigest } from './platform-digest.js';

export interface ResolvedInputs {
  /** Every image that the build may use, each at one digest. */
  readonly pins: { readonly reference: string; readonly digest: string }[];
  readonly inputs: UsedInput[];
  readonly resolution: Resolution;
  /** Seconds since 1970 of the newest base that was read; 0 when none was, or none says. */
  readonly newestBase: number;
}

export interface ResolveInputsOptions {
  readonly dockerfile: string;
  readonly definition: Pick<TaskDefinition, 'platforms' | 'step'>;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** `os/arch` of the machine that builds. */
  readonly buildPlatform: string;
  readonly pins: PinBook;
  readonly configs: Pick<BaseConfigs, 'of'>;
}

/**
 * Reads the Dockerfile and pins what it uses. ONBUILD triggers of a base may bring in further images, so bases are
 * pinned while the file is resolved; when a platform that turns up later changes a pin, the file is resolved again on
 * the new one, until nothing changes.
 * @throws DockerfileError; BuildFailure BASE_NOT_FOUND; RegistryError
 */
export const resolveInputs = async (options: ResolveInputsOptions): Promise<ResolvedInputs> => {
  const { pins, configs } = options;
  let newestBase = 0;
  const onBuild = async (reference: string, platform: string): Promise<readonly string[]> => {
    const { snapshot } = await pins.pin(reference, [platform]);
    const { created, config: settings } = await configs.of(reference, platformDigest(snapshot, platform));
    const seconds = Math.floor(Date.parse(created ?? '') / 1000);
    if (seconds > newestBase) newestBase = seconds;
    return settings?.OnBuild ?? [];
  };
  const { definition } = options;
  for (;;) {
    const changes = pins.changes;
    const resolution = await resolveDockerfile(options.dockerfile, {
      buildArgs: options.buildArgs,
      platforms: definition.platforms,
      buildPlatform: options.buildPlatform,
      onBuild,
      ...(definition.step.target !== undefined && { target: definition.step.target }),
    });
    for (const { reference, platforms } of resolution.images) await pins.pin(reference, platforms);
    if (pins.changes !== changes) continue;
    return { ...(await used(resolution.images, pins)), resolution, newestBase };
  }
};

/** One entry per reference, role and via, whatever the number of stages that use it so. */
const used = async (
  images: readonly ImageUse[],
  pins: PinBook,
): Promise<{ pins: ResolvedInputs['pins']; inputs: UsedInput[] }> => {
  const digests = new Map<string, string>();
  const inputs = new Map<string, UsedInput>();
  for (const { reference, role, via, platforms } of images) {
    const { snapshot } = await pins.pin(reference, platforms);
    digests.set(reference, snapshot.digest);
    const key = `${reference} ${role} ${via}`;
    const found = platforms.map((platform) => [platform, platformDigest(snapshot, platform) ?? snapshot.digest]);
    inputs.set(key, {
      reference,
      role,
      via,
      digest: snapshot.digest,
      platforms: { ...inputs.get(key)?.platforms, ...(Object.fromEntries(found) as Record<string, string>) },
    });
  }
  return { pins: [...digests].map(([reference, digest]) => ({ reference, digest })), inputs: [...inputs.values()] };
};

/** The arguments of a step: plain ones, and the names of those whose value is kept elsewhere. */
export const splitArguments = (
  list: readonly Argument[],
): { plain: Record<string, string>; secret: { name: string; secretRef: string }[]; values: Record<string, string> } => {
  const plain: Record<string, string> = {};
  const values: Record<string, string> = {};
  const secret: { name: string; secretRef: string }[] = [];
  for (const { name, value, isSecret, secretRef } of list) {
    if (secretRef !== undefined) secret.push({ name, secretRef });
    else if (isSecret) values[name] = value ?? '';
    else plain[name] = value ?? '';
  }
  return { plain, secret, values };
};
