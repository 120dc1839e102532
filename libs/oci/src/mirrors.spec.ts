import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginning, Mirrors } from './mirrors.js';
import { InvalidReferenceError } from './reference.js';

const hub = (repository: string) => ({ registry: 'docker.io', repository });
const mirror = (repository: string) => ({ registry: 'mirror.local:5000', repository });

describe('what is mirrored', () => {
  it.each([
    ['docker.io', hub('')],
    ['index.docker.io/library', hub('library')],
    ['docker.io/team/apps', hub('team/apps')],
    ['ghcr.io', { registry: 'ghcr.io', repository: '' }],
    ['registry.corp:5000/a', { registry: 'registry.corp:5000', repository: 'a' }],
  ])('%s is a registry, or what names begin with', (text, expected) => {
    expect(beginning(text)).toEqual(expected);
  });

  it.each(['', 'docker.io/', 'Docker.io/Library', 'docker.io//x', 'docker.io/library:1'])('%j is neither', (text) => {
    expect(() => beginning(text)).toThrow(InvalidReferenceError);
  });
});

describe('a name at a mirror', () => {
  it('has the same path, or the one that is said', () => {
    const same = new Mirrors([{ of: 'docker.io/library', registry: 'mirror.local:5000' }]);
    expect(same.at(hub('library/node'))).toEqual(mirror('library/node'));
    const other = new Mirrors([{ of: 'docker.io', registry: 'mirror.local:5000', path: 'dockerhub' }]);
    expect(other.at(hub('library/node'))).toEqual(mirror('dockerhub/library/node'));
    expect(other.behind(mirror('dockerhub/library/node'))).toEqual([hub('library/node')]);
  });

  it('is of what begins with a whole part, and of no other registry', () => {
    const mirrors = new Mirrors([{ of: 'docker.io/library', registry: 'mirror.local:5000' }]);
    expect(mirrors.at(hub('librarian/node'))).toBeUndefined();
    expect(mirrors.at({ registry: 'quay.io', repository: 'library/node' })).toBeUndefined();
    expect(mirrors.behind(mirror('librarian/node'))).toEqual([]);
  });

  it('is at the mirror of the longest name, and stands for nothing at the other one', () => {
    const mirrors = new Mirrors([
      { of: 'docker.io', registry: 'all.local' },
      { of: 'docker.io/library', registry: 'mirror.local:5000' },
    ]);
    expect(mirrors.at(hub('library/node'))).toEqual(mirror('library/node'));
    expect(mirrors.at(hub('team/app'))).toEqual({ registry: 'all.local', repository: 'team/app' });
    expect(mirrors.behind({ registry: 'all.local', repository: 'library/node' })).toEqual([]);
  });

  it('leads back to the name, whatever the mirrors', () => {
    const part = fc.constantFrom('a', 'b', 'library');
    const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    const of = fc.oneof(
      fc.constant('docker.io'),
      path.map((one) => `docker.io/${one}`),
    );
    const rule = fc
      .record({ of, registry: fc.constantFrom('one.local', 'two.local'), path: fc.option(path, { nil: undefined }) })
      .map(({ path: at, ...rest }) => (at === undefined ? rest : { ...rest, path: at }));
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), path, (rules, repository) => {
        const mirrors = new Mirrors(rules);
        const at = mirrors.at(hub(repository));
        const fits = rules.some(
          ({ of: what }) => what === 'docker.io' || `docker.io/${repository}`.startsWith(`${what}/`),
        );
        expect(at !== undefined).toBe(fits);
        expect(mirrors.has(`docker.io/${repository}:1`)).toBe(fits);
        if (at) expect(mirrors.behind(at)).toContainEqual(hub(repository));
      }),
    );
  });
});
