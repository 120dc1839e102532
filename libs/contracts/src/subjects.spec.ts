import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregateOfSubject, eventSubject, idOfToken, subjectToken } from './subjects.js';

/** Any characters but lone surrogates, which are no characters. */
const unicode = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff })), { minLength: 1 })
  .map((points) => String.fromCodePoint(...points));

describe('ids as subject tokens', () => {
  it('come back as they were, whatever they contain', () => {
    fc.assert(
      fc.property(unicode, (id) => {
        const token = subjectToken(id);
        expect(token).toMatch(/^~?[A-Za-z0-9_-]+$/);
        expect(idOfToken(token)).toBe(id);
      }),
    );
  });

  it('are different for different ids', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        fc.pre(a !== b);
        expect(subjectToken(a)).not.toBe(subjectToken(b));
      }),
    );
  });

  it('stay readable where they can', () => {
    expect(eventSubject('task', 'build-api')).toBe('plinth.events.task.build-api');
    expect(eventSubject('tag', 'docker.io/library/node:22')).toMatch(/^plinth\.events\.tag\.~[A-Za-z0-9_-]+$/);
  });

  it('give the aggregate back', () => {
    const id = 'docker.io/library/node:22';
    expect(aggregateOfSubject(eventSubject('tag', id))).toEqual({ kind: 'tag', id });
  });
});
