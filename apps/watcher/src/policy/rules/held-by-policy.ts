import type { AdoptionRule } from './rule.js';

export const heldByPolicy: AdoptionRule = {
  code: 'HeldByPolicy',
  objection: ({ settings: { hold, name } }) =>
    hold ? { reason: `The policy ${name} holds every new digest until a person releases it.`, until: null } : undefined,
};
