import type { Snapshot } from '#libs/contracts';
import type { TagState, Verdict } from '../tags/tag.decider.js';

/** Decides whether a digest that was found may be used by dependants. A new rule is a file beside `presets/`. */
export interface AdoptionPolicy {
  /** Name of the preset; shown in events and by `status`. */
  readonly name: string;
  decide(tag: TagState, found: Snapshot): Verdict;
}

/** As Azure Container Registry does it: what a registry serves is used at once. */
export const acrPolicy: AdoptionPolicy = {
  name: 'acr',
  decide: () => ({ adopt: true, policy: 'acr' }),
};
