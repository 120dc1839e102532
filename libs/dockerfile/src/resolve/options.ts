import type { Platform } from '#libs/oci';
import { parsePlatform } from '#libs/oci';
import { DockerfileError } from '../errors.js';
import type { Contexts } from './contexts.js';
import { readContexts } from './contexts.js';

export interface ResolveOptions {
  /** `--build-arg`: replaces the default of an ARG of that name, or a predefined platform argument. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** `--target`: the stage to build, in any case; the last one by default. */
  readonly target?: string;
  /** Target platforms, `linux/amd64` by default. Each is resolved on its own, as BuildKit does. */
  readonly platforms?: readonly string[];
  /** Where the build runs: what BUILDPLATFORM says. `linux/amd64` by default. */
  readonly buildPlatform?: string;
  /**
   * `--build-context`: name, or `name::platform`, to `docker-image://reference`, `oci-layout://store@digest`, a git or
   * http(s) URL, or a local directory.
   */
  readonly buildContexts?: Readonly<Record<string, string>>;
  /**
   * The ONBUILD triggers in the configuration of a base image, for one platform (its normalised key); undefined when
   * they cannot be known. Without it the resolution is offline and says in `unknown` what it could not see. Its own
   * errors pass through.
   */
  readonly onBuild?: (reference: string, platform: string) => Promise<readonly string[] | undefined>;
}

/** The options, read once for all platforms. */
export interface Settings {
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly target: string | undefined;
  readonly platforms: readonly Platform[];
  readonly buildPlatform: Platform;
  readonly contexts: Contexts;
  readonly onBuild: ResolveOptions['onBuild'];
}

const DEFAULT_PLATFORM = 'linux/amd64';

/** @throws DockerfileError INVALID_PLATFORM, INVALID_BUILD_CONTEXT */
export function readOptions(options: ResolveOptions): Settings {
  const platforms = options.platforms?.length ? options.platforms : [DEFAULT_PLATFORM];
  return {
    buildArgs: new Map(Object.entries(options.buildArgs ?? {})),
    target: options.target === '' ? undefined : options.target,
    platforms: platforms.map((text) => platformOf(text, 0)),
    buildPlatform: platformOf(options.buildPlatform ?? DEFAULT_PLATFORM, 0),
    contexts: readContexts(options.buildContexts ?? {}),
    onBuild: options.onBuild,
  };
}

/**
 * @param ownArchitecture what a system alone, such as `linux`, stands for
 * @throws DockerfileError INVALID_PLATFORM
 */
export function platformOf(text: string, line: number, ownArchitecture?: string): Platform {
  try {
    return parsePlatform(text, ownArchitecture);
  } catch (error) {
    throw new DockerfileError('INVALID_PLATFORM', line, (error as Error).message);
  }
}
