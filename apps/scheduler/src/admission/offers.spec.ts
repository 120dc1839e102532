import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#libs/event-log';
import { definitionOf } from '../testing/samples.js';
import { emptyBook, evolveBook, type TaskBook } from './offers.js';

const failures = { key: 'k1', count: 3, last: { at: '2026-01-01T00:00:00.000Z', reason: 'exit 1', eventId: 'e1' } };
const updated = (definitionHash: string) =>
  ({ type: 'task.updated', data: { definition: definitionOf('app'), definitionHash, by: 'me' } }) as RecordedEvent;
const evolve = (book: TaskBook, event: RecordedEvent) => evolveBook(book, event, () => null, 'h1');

describe('the failures that are counted for a task', () => {
  it('are forgotten when it builds something else, so that no circuit opens for what is gone', () => {
    expect(evolve({ ...emptyBook, failures }, updated('h2')).failures).toBeNull();
  });

  it('stay when only what does not change the build was changed', () => {
    expect(evolve({ ...emptyBook, failures }, updated('h1')).failures).toEqual(failures);
  });
});
