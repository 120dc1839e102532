import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { notificationDialects } from '#libs/contracts';
import { isTag } from '#libs/oci';
import { repositoryRoot } from '#libs/testing';
import { notificationFixtures, type NotificationFixture } from '../../../../test/support/notifications.js';
import { HookFormatError, type HookRequest } from './dialect.js';
import { dialects } from './index.js';

const fixtures = notificationFixtures();
const request = ({ headers }: NotificationFixture, body: string | Buffer): HookRequest => ({
  headers,
  body: Buffer.from(body),
});

/** The body with another value at a path. */
const changed = (body: unknown, path: string, value: unknown): unknown => {
  const copy = structuredClone(body);
  const parts = path.split('.');
  const last = parts.pop()!;
  const parent = parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], copy);
  (parent as Record<string, unknown>)[last] = value;
  return copy;
};

/** A text where something else was, and the other way round. */
const ofAnotherType = (body: unknown, path: string): unknown => {
  const value = path.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], body);
  return typeof value === 'string' ? { not: 'this' } : 'this';
};

/** Paths of everything inside a body. */
const pathsOf = (value: unknown, base: string[] = []): string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [[...base, key].join('.'), ...pathsOf(inner, [...base, key])])
    : [];

/** Parses, and fails the test when it is refused in any other way than by saying that it is of another dialect. */
const parsed = (dialect: string, of: HookRequest): readonly object[] | undefined => {
  try {
    const { handshake, parse } = dialects.get(dialect)!;
    handshake?.(of);
    const hints = parse(of);
    for (const { repository, tag, digest, host, id } of hints) {
      for (const one of [repository, tag]) expect(one).toBeTypeOf('string');
      for (const one of [digest, host, id]) expect(['string', 'undefined']).toContain(typeof one);
    }
    return hints;
  } catch (error) {
    if (!(error instanceof HookFormatError)) throw error;
    expect(error.message).not.toMatch(/\n|at .*:\d+/);
    return undefined;
  }
};

it('every dialect has a push among its fixtures, and each of these says where it is from', () => {
  const pushed = new Set(fixtures.filter(({ hints }) => hints.length > 0).map(({ dialect }) => dialect));
  expect([...pushed].sort()).toEqual([...notificationDialects].sort());
  expect([...dialects.keys()].sort()).toEqual([...notificationDialects].sort());
  for (const { origin } of fixtures) expect(origin).not.toBe('');
});

it('every dialect has its line in the page about registries', () => {
  const page = readFileSync(join(repositoryRoot, 'docs/registries.md'), 'utf8');
  for (const dialect of notificationDialects) expect(page).toMatch(new RegExp(`^\\| \`${dialect}\` `, 'm'));
});

describe.each(notificationDialects)('the dialect %s', (dialect) => {
  const own = fixtures.filter((one) => one.dialect === dialect);
  const pushes = own.filter(({ hints }) => hints.length > 0);

  it.each(own.map((one) => [one.name, one] as const))('makes of %s the hints that are in it', (_name, fixture) => {
    const hints = dialects.get(dialect)!.parse(request(fixture, JSON.stringify(fixture.body)));
    expect(JSON.parse(JSON.stringify(hints))).toEqual(fixture.hints);
  });

  it('has a way in which its sender proves who it is', () => {
    expect(dialects.get(dialect)!.proofs.length).toBeGreaterThan(0);
  });

  it('refuses what is no JSON, breaks off, or is something else', () => {
    for (const push of pushes) {
      const whole = JSON.stringify(push.body);
      const bodies = ['', 'hello', 'null', '7', 'true', '"text"', '[7]', '{"a":', '['.repeat(100_000), '\u0000'];
      for (const body of [...bodies, whole.slice(0, -1), whole.slice(0, whole.length / 2), `${whole}x`]) {
        expect(parsed(dialect, request(push, body)), `${push.name}: ${body.slice(0, 40)}`).toBeUndefined();
      }
    }
  });

  it('refuses a field of another type, of any that it believes', () => {
    for (const push of pushes) {
      for (const path of push.uses) {
        for (const value of [7, true, 'x'.repeat(100_000)]) {
          const body = JSON.stringify(changed(push.body, path, value));
          expect(parsed(dialect, request(push, body)) ?? [], `${push.name}: ${path}`).toEqual([]);
        }
        const body = JSON.stringify(changed(push.body, path, ofAnotherType(push.body, path)));
        expect(parsed(dialect, request(push, body)), `${push.name}: ${path}`).toBeUndefined();
      }
    }
    expect(pushes.flatMap(({ uses }) => uses).length).toBeGreaterThan(0);
  });

  it('names what is wrong, and nothing of what was sent', () => {
    const push = pushes.find(({ uses }) => uses.length > 0);
    const path = push!.uses.at(-1)!;
    const body = JSON.stringify(changed(push!.body, path, { canary: 'canary-of-the-body' }));
    const refuse = () => dialects.get(dialect)!.parse(request(push!, body));
    expect(refuse).toThrow(HookFormatError);
    try {
      refuse();
    } catch (error) {
      expect((error as Error).message).not.toContain('canary');
    }
  });

  it('never fails in another way, whatever comes', () => {
    const anything = fc.oneof(fc.jsonValue(), fc.constantFrom('push', '1', '', '__proto__', null, [], {}));
    for (const push of pushes) {
      const headers = fc.constantFrom(push.headers, {}, { 'ce-specversion': '1.0' });
      const send = (with_: HookRequest['headers'], body: string | Uint8Array): void => {
        parsed(dialect, { headers: with_, body: Buffer.from(body) });
      };
      fc.assert(fc.property(headers, fc.uint8Array({ maxLength: 200 }), send), { numRuns: 50 });
      fc.assert(fc.property(headers, fc.json(), send), { numRuns: 100 });
      const paths = pathsOf(push.body);
      const mutations = fc.array(fc.tuple(fc.constantFrom(...paths), anything), { minLength: 1, maxLength: 3 });
      fc.assert(
        fc.property(headers, mutations, (with_, list) => {
          let body = push.body;
          for (const [path, value] of list) {
            try {
              body = changed(body, path, value);
            } catch {
              continue; // an earlier change took what this path leads through
            }
          }
          send(with_, JSON.stringify(body));
        }),
        { numRuns: 150 },
      );
    }
  });
});

it('a digest in the place of a tag is no tag', () => {
  const untagged = fixtures.find(({ dialect, name }) => dialect === 'harbor' && name === 'push-without-tag')!;
  const [hint] = dialects.get('harbor')!.parse(request(untagged, JSON.stringify(untagged.body)));
  expect(isTag(hint!.tag)).toBe(false);
});
