import type { z } from 'zod';
import { z as zod } from 'zod';
import { aggregateKinds, defineEvent, type AggregateKind, type EventDefinition } from '../event.js';
import { outputEvents } from './output.js';
import { policyEvents } from './policy.js';
import { rebuildEvents } from './rebuild.js';
import { registryEvents } from './registry.js';
import { runEvents } from './run.js';
import { tagEvents } from './tag.js';
import { taskEvents } from './task.js';
import { waveEvents } from './wave.js';
import { webhookEvents } from './webhook.js';

const restatedData = zod.object({
  state: zod.unknown().describe('The full state of the aggregate, as its owner keeps it.'),
});
const restated = Object.fromEntries(
  aggregateKinds.map((aggregate) => [
    `${aggregate}.restated`,
    defineEvent({
      aggregate,
      name: 'restated',
      version: 1,
      summary: 'The full state of a live aggregate, written when the book that held its events is closed.',
      data: restatedData,
    }),
  ]),
) as { [K in `${AggregateKind}.restated`]: EventDefinition<typeof restatedData> };

/** Every event there is. Validation, documentation and the AsyncAPI document are made from this table. */
export const events = {
  ...registryEvents,
  ...policyEvents,
  ...tagEvents,
  ...taskEvents,
  ...rebuildEvents,
  ...waveEvents,
  ...runEvents,
  ...webhookEvents,
  ...outputEvents,
  ...restated,
};

export type EventType = keyof typeof events;
export type EventData<T extends EventType> = z.infer<(typeof events)[T]['data']>;
export const eventTypes = Object.keys(events) as EventType[];

/** `tag.moved` → `dev.plinth.tag.moved.v1`: the CloudEvents type. */
export const wireType = (type: EventType): string => `dev.plinth.${type}.v${events[type].version}`;
