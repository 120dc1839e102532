import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregateOfSubject, eventSubject, idOfToken, subjectToken } from './subjects.js';

describe('ids as subject tokens', () => {
  it('come back as they were, whatever they contain', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (id) => {
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
