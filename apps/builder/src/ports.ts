import type { RegistryDefinition, Snapshot } from '#libs/contracts';
import type { RunCommand, RunState } from '#libs/domain';
import type { OpenedContext } from '#libs/context';
import type { RecordedEvent } from '#libs/event-log';
import type { ImageConfig, Repository } from '#libs/oci';
import type { PreparedImage } from './publish/image.js';

/**
 * What the builder needs of its surroundings, as narrow as it uses it: the libraries' classes fit as they are, and
 * tests give doubles.
 */

/** The runs as this process knows them; never behind what it wrote itself. */
export interface RunStore {
  get(id: string): { readonly state: RunState; readonly sequence: number };
}

export interface RunCommands {
  /**
   * Decides and appends.
   * @throws AttemptLostError when another builder holds the run
   * @throws LogError LOG_UNREACHABLE when the outcome could not be learned
   */
  execute(id: string, command: RunCommand, meta: { readonly eventId: string }): Promise<{ readonly sequence: number }>;
}

/** How far the projections are, and what they take in. */
export interface Progress {
  readonly position: number;
  readonly caughtUp: boolean;
  waitFor(position: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean>;
  onBatch(listener: (events: readonly RecordedEvent[], caughtUp: boolean) => void): () => void;
}

export interface DispatchedRun {
  readonly run: string;
  readonly attempt: number;
  readonly deliveries: number;
  /** Puts the redelivery off by another ack wait; true when the server said so. */
  working(): Promise<boolean>;
  ack(): Promise<void>;
  /** Redelivered after `ms` milliseconds. */
  retry(ms: number): void;
  /** Never delivered again. */
  drop(reason: string): void;
}

export interface Dispatches {
  consume(
    pool: string,
    options: { readonly slots: number; readonly ackWaitMs: number },
    handler: (message: DispatchedRun) => Promise<void>,
  ): { close(): Promise<void> };
}

export type LogStream = 'stdout' | 'stderr' | 'plinth';
export interface RunLogLine {
  readonly at: string;
  readonly stream: LogStream;
  readonly step: string | null;
  readonly text: string;
  /** What the line says of its step, as data. */
  readonly progress?: StepReport & { readonly attempt: number };
}
export interface StepReport {
  readonly status: 'Started' | 'Cached' | 'Done' | 'Failed';
  readonly milliseconds: number | null;
}
export interface LogSink {
  append(run: string, lines: RunLogLine[]): Promise<void>;
  end(run: string): Promise<void>;
}

/** Takes secret values out of everything that is written. */
export interface SecretRedactor {
  add(value: string): void;
  redact(text: string): string;
}

export interface Secrets {
  /**
   * The value behind a secretRef; with `team` for a task of that team, without for the installation.
   * @throws when there is none, or when it is another team's
   */
  open(secretRef: string, team?: string): Promise<string>;
}

export interface Leases {
  get(key: string): Promise<{ value: Uint8Array; revision: number } | undefined>;
  create(key: string, value: Uint8Array): Promise<number>;
  put(key: string, value: Uint8Array): Promise<number>;
  update(key: string, value: Uint8Array, revision: number): Promise<number>;
  delete(key: string): Promise<void>;
}

export interface ManifestBytes {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly digest: string;
}

/** A blob of an artifact, small enough to be held in memory. */
export interface ArtifactBlob {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** Registries, by canonical references. Every method throws RegistryError. */
export interface ImageRegistry {
  /** What the reference names now, without its content; undefined when it names nothing. */
  head(reference: string, signal?: AbortSignal): Promise<{ digest: string; mediaType: string } | undefined>;
  /** Index digest and digest per platform; undefined when the reference names nothing. */
  resolve(reference: string, signal?: AbortSignal): Promise<Snapshot | undefined>;
  manifest(reference: string, signal?: AbortSignal): Promise<ManifestBytes>;
  /** The configuration behind `host/repository@digest` of one image manifest. */
  config(reference: string, signal?: AbortSignal): Promise<ImageConfig>;
  /** Puts a manifest under a tag; over, one way or the other, within `timeoutMs`. */
  put(
    reference: string,
    manifest: ManifestBytes,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<void>;
  /** Pushes blobs and manifests by digest into `host/repository`; blobs may be mounted from a repository beside it. */
  push(
    repository: string,
    image: PreparedImage,
    options: { readonly mountFrom?: string; readonly signal?: AbortSignal },
  ): Promise<void>;
  /** Pushes a manifest that has a subject, with its blobs, so that it is found among the subject's referrers. */
  attach(
    repository: string,
    manifest: ManifestBytes,
    blobs: readonly ArtifactBlob[],
    signal?: AbortSignal,
  ): Promise<void>;
}

export interface RegistrySettings {
  definitionOf(host: string): RegistryDefinition | undefined;
  credentialsOf(host: string): Promise<{ username: string; password: string } | undefined>;
  /** The repository at a mirror, when there is one that has it. */
  mirrored(repository: Repository): Repository | undefined;
}

export interface Contexts {
  open(options: {
    readonly contextPath: string;
    readonly revision: string | null;
    readonly accessToken?: string;
    /** Directory that the context may fill. */
    readonly into: string;
    readonly signal: AbortSignal;
  }): Promise<OpenedContext>;
}

export interface BuilderMetrics {
  attemptEnded(outcome: string, strategy: string, seconds: number): void;
  driftRepaired(): void;
  driftUnknown(): void;
}
