import { changesOf } from './changes.js';
import type { AdoptionRule } from './rule.js';

/** An index that lacks what dependants build, and has nothing new for them: official images begin as such. */
export const platformMissing: AdoptionRule = {
  code: 'PlatformMissing',
  objection: (question) => {
    const { moved, missing } = changesOf(question);
    if (missing.length === 0 || moved.length > 0) return undefined;
    return { reason: `It has no image for ${missing.join(', ')}, and nothing new for other platforms.`, until: null };
  },
};
