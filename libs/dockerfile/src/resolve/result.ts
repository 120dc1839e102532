import type { Feature } from './features.js';

/** What an image is for: design word *role*. */
export type Role = 'base' | 'build' | 'copy' | 'mount' | 'frontend';

/** How an image came in: written there, by a named context in its place, or by an ONBUILD trigger. */
export type Via = 'direct' | 'context' | 'onbuild';

/** One image that a build uses, once for each role, via and stage. */
export interface ImageUse {
  /** Canonical: `docker.io/library/node:22`. */
  readonly reference: string;
  readonly role: Role;
  readonly via: Via;
  /** The stage that uses it; null when that has no name, and for the frontend. */
  readonly stage: string | null;
  /** From 1; for a trigger, the line of the FROM that brought it; 0 when no line of the file says it. */
  readonly line: number;
  /** Normalised keys, sorted. */
  readonly platforms: readonly string[];
  /** It names a digest, so it cannot move. */
  readonly pinned: boolean;
  /** As it is written in the file, the trigger or the build argument. */
  readonly written: string;
}

/** Something that the build may use and that could not be seen. */
export interface UnknownImage {
  /**
   * `onbuild`: the triggers of this base were not read; `oci-layout` and `input`: a context that no registry serves;
   * `frontend`: a frontend of its own interprets the file.
   */
  readonly kind: 'onbuild' | 'oci-layout' | 'input' | 'frontend';
  /** The image concerned, or the context as it was given. */
  readonly reference: string;
  readonly stage: string | null;
  readonly line: number;
  readonly platforms: readonly string[];
  readonly message: string;
}

export interface Resolution {
  readonly images: readonly ImageUse[];
  readonly unknown: readonly UnknownImage[];
  /** The stage that is built; null when it has no name. */
  readonly target: { readonly stage: string | null };
  /**
   * For each target platform the reference that the result is based on; `scratch` when it stands on nothing or on
   * plain files; null when its base is an image that no registry serves, or is unknown.
   */
  readonly baseOf: Readonly<Record<string, string | null>>;
  readonly features: readonly Feature[];
}

/** Collects entries of several platforms, one for each key. */
export class Merger<T extends { readonly line: number }> {
  readonly #entries = new Map<string, { entry: T; platforms: Set<string> }>();

  add(key: readonly (string | null)[], platform: string, entry: T): void {
    const text = JSON.stringify(key);
    const known = this.#entries.get(text);
    if (known) known.platforms.add(platform);
    else this.#entries.set(text, { entry, platforms: new Set([platform]) });
  }

  /** By line; entries of one line in the order in which they were found. */
  list(): (T & { platforms: string[] })[] {
    return [...this.#entries.values()]
      .map(({ entry, platforms }) => ({ ...entry, platforms: [...platforms].sort() }))
      .sort((a, b) => a.line - b.line);
  }
}
