import type { AggregateStore, Clock } from '#libs/event-log';
import { problem, type DiagnosticChecks } from '#libs/service';
import type { TagState } from '../tags/tag.decider.js';
import type { Policies } from './policy.js';

/** An index that is published piece by piece is whole after hours; this long is odd. In milliseconds. */
const lastsMs = 6 * 3_600_000;

/** Registers the look at tags whose index has lacked a platform that dependants build for too long. */
export const checkHeld = (
  checks: DiagnosticChecks,
  with_: {
    readonly tags: AggregateStore<TagState>;
    readonly policies: Pick<Policies, 'missingPlatforms'>;
    readonly clock: Clock;
  },
): void =>
  checks.register(
    'images',
    'each watched image: whether it has offered every platform for the last hours',
    async () => {
      const { tags, policies, clock } = with_;
      return [...tags.all({ live: true })].flatMap(([reference, { state }]) => {
        const since = state.history[0]?.at;
        if (!state.watched || since === undefined || clock.now().getTime() - Date.parse(since) < lastsMs) return [];
        const missing = policies.missingPlatforms(state);
        if (missing.length === 0) return [];
        return [
          problem(
            'PLATFORM_MISSING',
            `${reference} has had no image for ${missing.join(', ')} since ${since}; tasks that build for it stay on the digest before.`,
            `look at it with: plinth image show ${reference}`,
          ),
        ];
      });
    },
  );
