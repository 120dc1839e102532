import type { AdoptionRule } from './rule.js';

export const rolledBack: AdoptionRule = {
  code: 'RolledBack',
  objection: ({ tag: { rolledBack: left }, found }) => {
    const one = left.find(({ digest }) => digest === found.digest);
    return one && { reason: `${one.by} rolled the image back from it: ${one.reason}`, until: null };
  },
};
