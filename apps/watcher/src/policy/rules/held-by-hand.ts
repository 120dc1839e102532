import type { AdoptionRule } from './rule.js';

export const heldByHand: AdoptionRule = {
  code: 'HeldByHand',
  objection: ({ tag: { heldByHand: hold } }) =>
    hold ? { reason: `${hold.by} holds the image: ${hold.reason}`, until: null } : undefined,
};
