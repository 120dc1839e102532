import { describe, expect, it } from 'vitest';
import type { EventData, EventType } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';
import { deliverableTypes, typesOf, unknownPatterns } from './event-types.js';
import { messageOf, mostBytes } from './payload.js';

const digest = `sha256:${'a'.repeat(64)}`;
const eventOf = <T extends EventType>(type: T, data: EventData<T>, id = 'e-1'): RecordedEvent =>
  ({
    sequence: 42,
    id,
    type,
    aggregate: { kind: type.split('.')[0], id: 'c1' },
    time: '2026-01-01T00:00:00.000Z',
    data,
    causation: null,
    correlation: null,
    traceparent: null,
  }) as unknown as RecordedEvent;
const output = (n: number) => ({
  reference: `registry.test/${'x'.repeat(480)}:${n}`,
  digest,
  mediaType: 'm',
  platforms: { 'linux/amd64': digest },
});
const succeeded = (outputs: number): EventData<'run.succeeded'> => ({
  run: 'c1',
  task: 'app',
  attempt: 1,
  outputs: Array.from({ length: outputs }, (_, n) => output(n)),
  inputs: [],
  sourceRevision: null,
  unchanged: false,
});

describe('what is posted to a webhook', () => {
  it('says what happened to what, and leaves out what can be asked for', () => {
    const { id, type, body } = messageOf(eventOf('run.succeeded', succeeded(1)), 'app');
    expect({ id, type }).toEqual({ id: 'e-1', type: 'run.succeeded' });
    expect(JSON.parse(body)).toEqual({
      type: 'run.succeeded',
      timestamp: '2026-01-01T00:00:00.000Z',
      data: {
        position: 42,
        id: 'e-1',
        subject: 'c1',
        run: 'c1',
        task: 'app',
        attempt: 1,
        unchanged: false,
        images: [{ reference: output(0).reference, digest }],
      },
    });
  });

  it('names the digest of an image, and the task of a run that does not say it itself', () => {
    const snapshot = { digest, mediaType: 'm', platforms: {} };
    const moved = eventOf('tag.moved', {
      reference: 'r.test/a:1',
      seenBy: 'Poll',
      hintedAt: null,
      from: null,
      to: snapshot,
    });
    expect(JSON.parse(messageOf(moved, undefined).body)).toMatchObject({ data: { from: null, to: digest } });
    const dispatched = eventOf('run.dispatched', { run: 'c1', attempt: 1, pool: 'default' });
    expect(JSON.parse(messageOf(dispatched, 'app').body)).toMatchObject({ data: { run: 'c1', task: 'app' } });
  });

  it('stays below 20 kB whatever happened', () => {
    const failed = eventOf('run.failed', {
      run: 'c1',
      task: 'app',
      attempt: 1,
      code: 'STEP_FAILED',
      reason: '\u0001'.repeat(30_000),
    });
    for (const event of [failed, eventOf('run.succeeded', succeeded(64))]) {
      expect(Buffer.byteLength(messageOf(event, 'app').body)).toBeLessThan(mostBytes);
    }
    expect(JSON.parse(messageOf(eventOf('run.succeeded', succeeded(64)), 'app').body)).toMatchObject({
      data: { moreImages: 48 },
    });
  });

  it('has an id without dots, which would move the border of what is signed', () => {
    expect(messageOf(eventOf('run.succeeded', succeeded(0), 'tag.r.test/a:1.2'), 'app').id).toMatch(/^~[\w-]+$/);
  });
});

describe('the types that a webhook asks for', () => {
  it('are those of runs, waves and images', () => {
    expect([...typesOf(['*'])]).toEqual(deliverableTypes);
    expect([...typesOf(['wave.*', 'run.succeeded'])].sort()).toEqual(['run.succeeded', 'wave.closed', 'wave.opened']);
    expect(deliverableTypes.every((type) => /^(run|wave|tag)\.(?!restated)/.test(type))).toBe(true);
  });

  it('are refused by field when there is none such', () => {
    expect(unknownPatterns(['run.*', 'task.created', 'run.flown', 'webhook.*']).map(({ field }) => field)).toEqual([
      'eventTypes[1]',
      'eventTypes[2]',
      'eventTypes[3]',
    ]);
  });
});
