import type { Platform, Reference } from '#libs/oci';
import type { Command } from '../syntax/commands.js';
import type { Stage } from '../syntax/stages.js';
import type { Context } from './contexts.js';

/**
 * Something that can be built on, copied from or mounted: a stage, or an image that only a COPY or a mount names
 * (BuildKit's dispatchState). One graph of them is made for each target platform.
 */
export interface State {
  /** Undefined for what is no stage of the file. */
  readonly stage: Stage | undefined;
  /** The image or stage name, expanded. */
  readonly baseName: string;
  readonly line: number;
  /** Of FROM --platform; otherwise the target platform. */
  readonly platform: Platform | undefined;
  /** A named context that replaces the whole stage: none of its instructions run. */
  readonly replacement: Context | undefined;
  /** The earlier stage that this one is FROM. */
  base: State | undefined;
  /** Its instructions that use other states; those of ONBUILD triggers come first. */
  commands: BoundCommand[];
  /** What its base name stands for, once it is known that the build needs it. */
  source: Source | undefined;
}

export interface BoundCommand {
  readonly command: Command;
  readonly uses: readonly Use[];
  /** It comes from an ONBUILD trigger. */
  readonly triggered: boolean;
}

export interface Use {
  readonly role: 'copy' | 'mount';
  /** As written. */
  readonly written: string;
  readonly state: State;
  /** A mount without `from`, or one that takes nothing from it: it orders stages but uses no image. */
  readonly hollow: boolean;
}

export type Source =
  | { readonly kind: 'image'; readonly reference: Reference; readonly platform: Platform; readonly viaContext: boolean }
  | { readonly kind: 'scratch' | 'files' }
  | { readonly kind: 'oci-layout' | 'input'; readonly value: string; readonly platform: Platform };

/** All states in BuildKit's order (stages, then images as they are met), and the stages by name. */
export class States {
  readonly all: State[] = [];
  readonly #byName = new Map<string, State>();

  /** A stage is FROM the stage that has its base's name *now*: later ones shadow earlier ones. The case must match. */
  add(state: State): void {
    this.all.push(state);
    if (!state.replacement) state.base = this.#byName.get(state.baseName);
    if (state.stage?.name) this.#byName.set(state.stage.name, state);
  }

  /** COPY --from, mounts and --target find stages in any case. */
  find(name: string): State | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  names(): string[] {
    return [...this.#byName.keys()];
  }
}

export const SCRATCH = 'scratch';
