import { fitsAny } from '#libs/domain';
import type { AdoptionRule } from './rule.js';

export const notAllowed: AdoptionRule = {
  code: 'NotAllowed',
  first: true,
  objection: ({ reference, settings: { allow, name } }) =>
    allow === null || fitsAny(allow, reference)
      ? undefined
      : { reason: `The policy ${name} does not allow ${reference}.`, until: null },
};
