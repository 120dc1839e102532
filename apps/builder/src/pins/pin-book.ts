import type { Pin, Snapshot } from '#libs/contracts';
import { isPinned, parseReference, repositoryName } from '#libs/oci';
import { BuildFailure } from '../work/failure.js';
import { platformDigest } from './platform-digest.js';

export interface PinSources {
  /** Digests that the run was asked to build on. */
  readonly pins: readonly Pin[];
  /** Adopted snapshots of a reference, newest first. */
  adopted(reference: string): readonly Snapshot[];
  /** Why a reference may not be built on while nothing of it is adopted. */
  refusal(reference: string): string | undefined;
  /** A look at the registry: what the reference names now. */
  look(reference: string): Promise<Snapshot | undefined>;
}

/** One reference as the build will use it. */
export interface Pinned {
  readonly reference: string;
  readonly snapshot: Snapshot;
  /** Why this digest: shown in the run's log. */
  readonly from: 'offer' | 'adopted' | 'registry' | 'digest';
}

/**
 * One digest per reference for one build, decided once: the run's pins first, then what is adopted, else what the
 * registry names now. Never children of two indexes: the snapshot that is taken has every platform that is needed.
 */
export class PinBook {
  readonly #needed = new Map<string, Set<string>>();
  readonly #chosen = new Map<string, Pinned>();
  readonly #looks = new Map<string, Promise<Snapshot | undefined>>();
  #changes = 0;

  constructor(private readonly sources: PinSources) {}

  /** Grows when a reference that was chosen is chosen anew, because another platform of it is needed. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * @throws BuildFailure BASE_NOT_FOUND when there is no image, or none for a platform; ACCESS_DENIED when a policy does
   *   not allow it; RegistryError
   */
  async pin(reference: string, platforms: readonly string[]): Promise<Pinned> {
    const needed = this.#needed.get(reference) ?? new Set();
    for (const platform of platforms) needed.add(platform);
    this.#needed.set(reference, needed);
    const before = this.#chosen.get(reference);
    if (before && hasAll(before.snapshot, needed)) return before;
    const chosen = await this.#choose(reference, needed);
    if (before && before.snapshot.digest !== chosen.snapshot.digest) this.#changes++;
    this.#chosen.set(reference, chosen);
    return chosen;
  }

  async #choose(reference: string, needed: ReadonlySet<string>): Promise<Pinned> {
    const parsed = parseReference(reference);
    if (isPinned(parsed)) {
      this.#allowed(reference);
      const at = `${repositoryName(parsed)}@${parsed.digest}`;
      return { reference, snapshot: fitting(reference, await this.#look(at), needed), from: 'digest' };
    }
    const adopted = this.sources.adopted(reference);
    const offered = this.sources.pins.find((pin) => pin.reference === reference);
    if (offered) {
      const { digest } = offered;
      const known = adopted.find((snapshot) => snapshot.digest === digest);
      // A pin tells the tracked platforms only; for any other the index itself must be asked.
      const snapshot = known ?? (await this.#look(`${repositoryName(parsed)}@${digest}`));
      return { reference, snapshot: fitting(reference, snapshot, needed), from: 'offer' };
    }
    const usable = adopted.find((snapshot) => hasAll(snapshot, needed));
    if (usable) return { reference, snapshot: usable, from: 'adopted' };
    this.#allowed(reference);
    return { reference, snapshot: fitting(reference, await this.#look(reference), needed), from: 'registry' };
  }

  /** What is adopted was allowed when it was. */
  #allowed(reference: string): void {
    const refusal = this.sources.refusal(reference);
    if (refusal !== undefined) throw new BuildFailure('ACCESS_DENIED', refusal);
  }

  /** Each tag is looked at once in a build. */
  #look(reference: string): Promise<Snapshot | undefined> {
    let look = this.#looks.get(reference);
    if (!look) this.#looks.set(reference, (look = this.sources.look(reference)));
    return look;
  }
}

const hasAll = (snapshot: Snapshot, platforms: Iterable<string>): boolean =>
  [...platforms].every((platform) => platformDigest(snapshot, platform) !== undefined);

const fitting = (reference: string, snapshot: Snapshot | undefined, needed: ReadonlySet<string>): Snapshot => {
  if (!snapshot) {
    throw new BuildFailure(
      'BASE_NOT_FOUND',
      `The registry has no ${reference}. Check its name, or push it before the build.`,
    );
  }
  const missing = [...needed].filter((platform) => platformDigest(snapshot, platform) === undefined);
  if (missing.length === 0) return snapshot;
  const has = Object.keys(snapshot.platforms).join(', ') || 'no platform that can be built on';
  throw new BuildFailure(
    'BASE_NOT_FOUND',
    `${reference} (${snapshot.digest}) has no image for ${missing.join(', ')}; it has ${has}. ` +
      "Take the platform out of the task's platforms, or wait for the image to get it.",
  );
};
