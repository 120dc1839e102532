import { eventTypes, PlinthError, type EventView, type Input } from '#libs/contracts';
import type { EventLog, RecordedEvent } from '#libs/event-log';
import type { CallContext } from '#libs/service';

/** `tag.moved,run` → a filter; a name without a dot means every event of that aggregate. */
export const eventFilter = (types: string | undefined): ((event: RecordedEvent) => boolean) => {
  const wanted = (types ?? '').split(',').flatMap((one) => (one.trim() ? [one.trim()] : []));
  if (wanted.length === 0) return () => true;
  for (const one of wanted) {
    if (eventTypes.some((type) => type === one || type.startsWith(`${one}.`))) continue;
    throw new PlinthError('INVALID_ARGUMENT', `There is no event or aggregate ${one}.`, [
      { field: 'types', message: `expected types such as tag.moved, or aggregates such as run; ${one} is neither` },
    ]);
  }
  const set = new Set(wanted);
  return (event) => set.has(event.type) || set.has(event.aggregate.kind);
};

const view = ({ sequence, id, type, aggregate, time, causation, data }: RecordedEvent): EventView => ({
  position: sequence,
  id,
  type,
  subject: aggregate.id,
  time,
  causation,
  data,
});

/** The operations that every service answers alike. */
export class EventHandlers {
  constructor(private readonly log: EventLog) {}

  async *watchEvents(input: Input<'watchEvents'>, call: CallContext): AsyncGenerator<EventView> {
    const wanted = eventFilter(input.types);
    const { first, last } = await this.log.range();
    const after = call.lastEventId ?? input.after ?? last;
    if (after + 1 < first) {
      throw new PlinthError(
        'FAILED_PRECONDITION',
        `The events after ${after} are in closed books: the log begins at ${first}. Read the archive, or begin after ${first - 1}.`,
      );
    }
    if (after > last) {
      throw new PlinthError('INVALID_ARGUMENT', `Position ${after} is not reached yet: the log ends at ${last}.`, [
        { field: 'after', message: `expected a position up to ${last}` },
      ]);
    }
    for await (const { events } of this.log.read({ after, signal: call.signal })) {
      for (const event of events) if (wanted(event)) yield view(event);
    }
  }
}
