import { events, eventTypes, type AggregateKind, type EventType, type FieldViolation } from '#libs/contracts';

/** What webhooks tell of: runs, waves and images. */
const told: ReadonlySet<AggregateKind> = new Set(['run', 'wave', 'tag']);

/** Types that a webhook may ask for. That an aggregate was restated is housekeeping of the log. */
export const deliverableTypes: readonly EventType[] = eventTypes.filter(
  (type) => told.has(events[type].aggregate) && events[type].name !== 'restated',
);

const fits = (pattern: string, type: string): boolean =>
  pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)));

/** The types that patterns ask for. */
export const typesOf = (patterns: readonly string[]): ReadonlySet<string> =>
  new Set(deliverableTypes.filter((type) => patterns.some((pattern) => fits(pattern, type))));

/** Patterns that no type fits, by field. */
export const unknownPatterns = (patterns: readonly string[]): FieldViolation[] =>
  patterns.flatMap((pattern, index) =>
    deliverableTypes.some((type) => fits(pattern, type))
      ? []
      : [
          {
            field: `eventTypes[${index}]`,
            message: `expected *, run.*, wave.*, tag.*, or one of ${deliverableTypes.join(', ')}; ${pattern} is none`,
          },
        ],
  );
