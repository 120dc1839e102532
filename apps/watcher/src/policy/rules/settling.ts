import { changesOf } from './changes.js';
import type { AdoptionRule } from './rule.js';

/** An index that is changed again and again is waited for no longer than so many times the settling time. */
export const settleLimit = 24;

/**
 * An index that is published piece by piece triggers once: it is waited for until every platform that dependants build
 * has moved, or until nothing has changed for a time.
 */
export const settling: AdoptionRule = {
  code: 'Settling',
  objection: (question) => {
    const { since, replacedAt, pushed, tag, settings, now } = question;
    if (pushed) return undefined;
    const { moved, same, missing } = changesOf(question);
    const waiting = [...missing, ...same];
    if (moved.length === 0 || waiting.length === 0) return undefined;
    const first = Math.min(since, ...tag.candidates.map((candidate) => Date.parse(candidate.since)));
    const until = Math.min(since + settings.settleMs, first + settleLimit * settings.settleMs);
    if (until <= (replacedAt ?? now)) return undefined;
    const reason = `${moved.join(', ')} moved, and ${waiting.join(', ')} not yet.`;
    return { reason, until: replacedAt === null ? until : null };
  },
};
