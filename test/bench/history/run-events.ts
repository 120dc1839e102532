import type { NewEvent } from '#libs/event-log';
import { History, type HistoryEvent } from './history.js';

/** The events of one rebuild, as the history has them, without the run's name in them. */
const template: readonly NewEvent[] = (() => {
  const byRun = new Map<string, NewEvent[]>();
  for (const { aggregate, event } of new History({ events: 600, tasks: 10, roots: 3 }) as Iterable<HistoryEvent>) {
    if (aggregate.kind !== 'run') continue;
    const events = byRun.get(aggregate.id) ?? [];
    byRun.set(aggregate.id, events);
    events.push(event);
    if (event.type === 'run.succeeded' && events.length === 5 && queuedByGraph(events[0]!)) return events;
  }
  throw new Error('The history has no rebuild that went well.');
})();

function queuedByGraph(event: NewEvent): boolean {
  return event.type === 'run.queued' && event.data.offer !== null;
}

/** run.queued, dispatched, started, built and succeeded of a run of this id. */
export const runEvents = (run: string): NewEvent[] =>
  template.map((event, at) => ({ ...event, id: `${run}.${at}`, data: { ...event.data, run } }) as NewEvent);
