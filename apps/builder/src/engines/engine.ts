/**
 * What every build engine does: build one image from a context folder, with every base forced to a digest, into an OCI
 * image layout on disk. Engines push nothing and resolve no tag: the builder has resolved before, and publishes after.
 */

/** A registry that a build pulls from. */
export interface EngineRegistry {
  /** Host and port as they stand in references: `docker.io`, `127.0.0.1:5000`. */
  readonly registry: string;
  /** Host and port to talk to, where it is another one. */
  readonly endpoint?: string;
  readonly scheme: 'http' | 'https';
  readonly username?: string;
  readonly password?: string;
  /** PEM text of a certificate authority that the system does not know. */
  readonly ca?: string;
}

export interface Pin {
  /** Canonical name as the Dockerfile means it: `docker.io/library/node:22`. */
  readonly reference: string;
  readonly digest: string;
}

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /** Name of the step that printed it. */
  readonly step?: string;
}

export interface StepProgress {
  /** Stable within one build. */
  readonly step: string;
  readonly name: string;
  readonly status: 'started' | 'cached' | 'done' | 'error';
  /** Milliseconds that the step took, when it ended. */
  readonly ms?: number;
}

export interface BuildRequest {
  readonly contextDir: string;
  /** Relative to `contextDir`, or absolute. */
  readonly dockerfile: string;
  readonly target?: string;
  /** `os/arch[/variant]`; empty means the engine's own. */
  readonly platforms: readonly string[];
  readonly noCache: boolean;
  readonly buildArgs: Readonly<Record<string, string>>;
  /**
   * Arguments whose values appear in no log line, no reason and no image history. They are also offered as build secrets
   * of the same id (`RUN --mount=type=secret,id=NAME`). A value that the Dockerfile itself puts into the image, by ENV or
   * into a file, is in the image.
   */
  readonly secretArgs: Readonly<Record<string, string>>;
  /** Every image that the build may use. An image that is not pinned is refused. */
  readonly pins: readonly Pin[];
  /** `default` is what the engine's installation offers; the engine says so in its own words. */
  readonly network: 'none' | 'host' | 'default';
  readonly timeoutMs: number;
  /** Seconds since 1970: the time of everything that the build makes, so that an unchanged build has the same digest. */
  readonly sourceDateEpoch: number;
  /** Becomes an OCI image layout. May hold blobs of the image under their digests, which then need not be written. */
  readonly outputDir: string;
  readonly registries: readonly EngineRegistry[];
  /** Of every manifest. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Canonical name, with a tag, under which the steps of earlier builds are kept in a registry: they are read, and those of
   * this build are written. A registry that does not take them fails no build.
   */
  readonly cache?: string;
  readonly onLog: (line: LogLine) => void;
  readonly onProgress?: (progress: StepProgress) => void;
  readonly signal: AbortSignal;
}

export type BuildFailureCode =
  | 'DOCKERFILE_NOT_FOUND'
  | 'DOCKERFILE_INVALID'
  | 'TARGET_NOT_FOUND'
  | 'STEP_FAILED'
  | 'CONTEXT_FILE_NOT_FOUND'
  | 'BASE_NOT_FOUND'
  | 'BASE_ACCESS_DENIED'
  | 'BASE_NOT_PINNED'
  | 'FEATURE_UNSUPPORTED'
  | 'BUILD_FAILED';

export interface BuiltPlatform {
  /** `os/arch[/variant]` */
  readonly platform: string;
  readonly digest: string;
}

export interface BuiltImage {
  readonly kind: 'built';
  readonly layoutDir: string;
  /** What is to be pushed and tagged: an index for several platforms, else the manifest. */
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  readonly platforms: readonly BuiltPlatform[];
}

/** `failed` is the user's build; our own faults are thrown as EngineError. */
export type BuildOutcome =
  | BuiltImage
  | { readonly kind: 'failed'; readonly code: BuildFailureCode; readonly reason: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'canceled' };

export type EngineErrorCode =
  'ENGINE_UNAVAILABLE' | 'ENGINE_NEEDS_ROOT' | 'REGISTRY_UNAVAILABLE' | 'DISK_FULL' | 'ENGINE_FAILED';

/** A fault that is not the user's: another attempt may succeed. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly retryable = true;

  constructor(
    readonly code: EngineErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What a Dockerfile may need and not every engine has. */
export type EngineFeature = 'heredoc' | 'copy-link' | 'add-checksum' | 'copy-parents' | 'multi-platform';

export type EngineCheck =
  | { readonly ok: true; readonly version: string }
  | { readonly ok: false; readonly problem: string; readonly fix: string };

export interface Engine {
  readonly name: string;
  /** How far a build step is kept from the machine; shown on every run. */
  readonly isolation: 'vm' | 'userns' | 'oci' | 'chroot';
  readonly features: ReadonlySet<EngineFeature>;
  /** Whether a build could start now, without starting one. */
  check(): Promise<EngineCheck>;
  /** Throws EngineError for our own faults. Never leaves a process behind. */
  build(request: BuildRequest): Promise<BuildOutcome>;
  /** Removes what a killed process left. Call before the first build; never while one runs. */
  cleanup(): Promise<void>;
  close(): Promise<void>;
}
