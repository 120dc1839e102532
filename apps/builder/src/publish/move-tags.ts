import type { PushedImage } from '#libs/contracts';
import { parseReference, repositoryName } from '#libs/oci';
import type { CrashPoint } from '#libs/event-log';
import type { ImageRegistry, ManifestBytes } from '../ports.js';
import { AttemptStopped } from '../work/failure.js';

export interface MoveTagsOptions {
  readonly registry: Pick<ImageRegistry, 'head' | 'manifest' | 'put'>;
  readonly outputs: readonly PushedImage[];
  readonly lease: { left(): number; confirm(): Promise<boolean> };
  /** Longest that the move of one tag may take, in milliseconds. */
  readonly putTimeoutMs: number;
  /** A later run of the task that has started, if there is one. */
  laterStarted(): string | undefined;
  readonly signal: AbortSignal;
  readonly crashPoint: (name: CrashPoint) => void;
  readonly onMoved: (reference: string, from: string | null) => void;
}

/** What was behind each tag before: null where there was nothing. */
export type Before = ReadonlyMap<string, string | null>;

/** Kept back from what is left of the lease: the answer of a registry must not arrive after the lease is over. */
const marginMs = 500;

/**
 * Moves each tag to its digest (design, "Publish safely"): before each one the lease is confirmed and no later run of
 * the task may have started; a tag that is there already is left; the PUT ends before the lease does.
 *
 * @throws AttemptStopped lease-lost, superseded; RegistryError
 */
export const moveTags = async (options: MoveTagsOptions): Promise<Before> => {
  const { registry, outputs, lease, signal } = options;
  const before = new Map<string, string | null>();
  const manifests = new Map<string, ManifestBytes>();
  for (const [i, { reference, digest }] of outputs.entries()) {
    if (i > 0) options.crashPoint('builder.tag');
    const head = await registry.head(reference, signal);
    before.set(reference, head?.digest ?? null);
    if (head?.digest === digest) continue;
    const at = `${repositoryName(parseReference(reference))}@${digest}`;
    const manifest = manifests.get(at) ?? (await registry.manifest(at, signal));
    manifests.set(at, manifest);
    if (!(await lease.confirm())) {
      throw new AttemptStopped('lease-lost', `The hold on the run was lost before ${reference} was moved.`);
    }
    signal.throwIfAborted();
    const later = options.laterStarted();
    if (later !== undefined) {
      throw new AttemptStopped('superseded', `Run ${later} of the same task has started: ${reference} is left to it.`);
    }
    const timeoutMs = Math.max(1, Math.min(options.putTimeoutMs, lease.left() - marginMs));
    // Where a builder that is suspended does harm: all is checked, and the tag is not moved yet.
    options.crashPoint('builder.put');
    await registry.put(reference, manifest, { timeoutMs, signal });
    options.onMoved(reference, head?.digest ?? null);
  }
  return before;
};
