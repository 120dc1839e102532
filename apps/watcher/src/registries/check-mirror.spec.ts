import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { registryResourceSchema } from '#libs/contracts';
import { beginning } from '#libs/oci';
import { checkMirror } from './check-mirror.js';

const mirrorOf = registryResourceSchema.shape.mirrorOf.unwrap();

describe('what a registry mirrors', () => {
  it('is another registry, or a part of one', () => {
    expect(() => checkMirror('mirror.local', { mirrorOf: 'docker.io/library', mirrorPath: 'hub' })).not.toThrow();
    expect(() => checkMirror('docker.io', { mirrorOf: 'index.docker.io/library' })).toThrow('another registry');
    expect(() => checkMirror('mirror.local', { mirrorPath: 'hub' })).toThrow('together with mirrorOf');
  });

  it('can be read as the beginning of a name whenever it is taken, so that no log is unreadable', () => {
    const text = fc.string({ unit: fc.constantFrom(...'aA0.-_:/é'.split('')), maxLength: 14 });
    let taken = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((one) => `docker.io/${one}`),
          text.map((one) => `${one}.io/a`),
        ),
        (one) => {
          if (!mirrorOf.safeParse(one).success) return;
          taken += 1;
          beginning(one);
        },
      ),
      { numRuns: 5000 },
    );
    expect(taken).toBeGreaterThan(20);
  });
});
