import { fits } from '../patterns.js';
import type { AdoptionRule } from './rule.js';

export const notAllowed: AdoptionRule = {
  code: 'NotAllowed',
  first: true,
  objection: ({ reference, settings: { allow, name } }) =>
    allow === null || allow.some((pattern) => fits(pattern, reference))
      ? undefined
      : { reason: `The policy ${name} does not allow ${reference}.`, until: null },
};
