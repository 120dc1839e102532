import { heldByHand } from './held-by-hand.js';
import { heldByPolicy } from './held-by-policy.js';
import { looksOdd } from './looks-odd.js';
import { minimumAge } from './minimum-age.js';
import { notAllowed } from './not-allowed.js';
import { pinned } from './pinned.js';
import { platformMissing } from './platform-missing.js';
import { rolledBack } from './rolled-back.js';
import type { AdoptionRule } from './rule.js';
import { settling } from './settling.js';

/** In their order: the first that objects is the reason that is told. What a person decided goes before all else. */
export const rules: readonly AdoptionRule[] = [
  notAllowed,
  pinned,
  rolledBack,
  heldByHand,
  heldByPolicy,
  platformMissing,
  settling,
  looksOdd,
  minimumAge,
];
