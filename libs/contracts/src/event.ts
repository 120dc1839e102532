import type { z } from 'zod';

/** The aggregates of the log; each has one owner among the services. */
export const aggregateKinds = [
  'registry',
  'policy',
  'tag',
  'task',
  'rebuild',
  'wave',
  'run',
  'webhook',
  'output',
] as const;
export type AggregateKind = (typeof aggregateKinds)[number];

export interface EventDefinition<S extends z.ZodType = z.ZodType> {
  readonly aggregate: AggregateKind;
  readonly name: string;
  /** Version of the payload; a change that old readers cannot take raises it and comes with an upcaster. */
  readonly version: number;
  /** One sentence for the docs: what it means that this event is in the log. */
  readonly summary: string;
  readonly data: S;
  /** From the payload of an older version to this one, by that older version. */
  readonly upcast?: Readonly<Record<number, (data: unknown) => unknown>>;
}

export const defineEvent = <S extends z.ZodType>(definition: EventDefinition<S>): EventDefinition<S> => definition;
