import type { AdoptionRule } from './rule.js';

export const pinned: AdoptionRule = {
  code: 'Pinned',
  objection: ({ tag: { pinned: pin }, found }) =>
    pin && pin.digest !== found.digest
      ? { reason: `${pin.by} pinned the image to ${pin.digest}: ${pin.reason}`, until: null }
      : undefined,
};
