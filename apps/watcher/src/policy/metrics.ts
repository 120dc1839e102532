import { Gauge, type Registry } from 'prom-client';
import { holdCodeSchema } from '#libs/contracts';
import type { AggregateStore, Clock } from '#libs/event-log';
import type { TagState } from '../tags/tag.decider.js';
import type { Policies } from './policy.js';

export interface HeldFigures {
  readonly tags: Pick<AggregateStore<TagState>, 'get'>;
  readonly policies: Pick<Policies, 'reconsider'>;
  /** Tags of which something waits. */
  waiting(): Iterable<string>;
  readonly clock: Clock;
}

/** Figures of what is held, by reason, counted when Prometheus asks. Labels are reasons: never images. */
export const heldMetrics = (registry: Registry, { tags, policies, waiting, clock }: HeldFigures): void => {
  const oldest = new Gauge({
    name: 'plinth_images_held_oldest_seconds',
    help: 'Age of the newest digest that waits, of the image that waits longest, by why it is held.',
    labelNames: ['reason'],
    registers: [registry],
  });
  new Gauge({
    name: 'plinth_images_held',
    help: 'Images whose newest digest is held, by why. PlatformMissing that lasts needs a person.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      for (const reason of holdCodeSchema.options) {
        this.set({ reason }, 0);
        oldest.set({ reason }, 0);
      }
      const longest = new Map<string, number>();
      for (const reference of waiting()) {
        const { state } = tags.get(reference);
        const newest = state.candidates.at(-1);
        const verdict = newest && policies.reconsider(state, newest);
        if (!verdict || verdict.adopt) continue;
        const { code: reason } = verdict;
        this.inc({ reason });
        const seconds = (clock.now().getTime() - Date.parse(newest.since)) / 1000;
        longest.set(reason, Math.max(seconds, longest.get(reason) ?? 0));
      }
      for (const [reason, seconds] of longest) oldest.set({ reason }, seconds);
    },
  });
};
