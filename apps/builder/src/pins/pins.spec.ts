import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '#libs/contracts';
import { supersededPin } from './check-pins.js';
import { PinBook } from './pin-book.js';

const node = 'docker.io/library/node:22';
const digest = (name: string): string => `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)}`;
const snapshot = (name: string, ...platforms: string[]): Snapshot => ({
  digest: digest(name),
  mediaType: 'application/vnd.oci.image.index.v1+json',
  platforms: Object.fromEntries(platforms.map((platform) => [platform, digest(`${name} ${platform}`)])),
});
const pinOf = ({ digest: index, platforms }: Snapshot, ...wanted: string[]) => ({
  reference: node,
  digest: index,
  platforms: Object.fromEntries(wanted.map((platform) => [platform, platforms[platform] ?? ''])),
});

describe('checking the pins of an offer', () => {
  const old = snapshot('old', 'linux/amd64', 'linux/arm64');
  const pins = [pinOf(old, 'linux/amd64')];

  it('finds them true while nothing else is adopted', () => {
    expect(supersededPin(pins, () => [old])).toBeUndefined();
    expect(supersededPin(pins, () => [])).toBeUndefined();
  });

  it('names the reference that moved', () => {
    const now = snapshot('new', 'linux/amd64');
    expect(supersededPin(pins, () => [now, old])).toMatch(/^docker.io\/library\/node:22 moved from sha256:6f6c64/);
  });

  it('keeps to the last index that has all its platforms', () => {
    expect(supersededPin(pins, () => [snapshot('new', 'linux/s390x'), old])).toBeUndefined();
  });

  it('does not mind an index that changed for other platforms only', () => {
    const now = { ...old, digest: digest('another index') };
    expect(supersededPin(pins, () => [now, old])).toBeUndefined();
  });
});

describe('a pin book', () => {
  const book = (options: {
    pins?: ReturnType<typeof pinOf>[];
    adopted?: Snapshot[];
    registry?: Snapshot[];
    refusal?: string;
  }) => {
    const looks: string[] = [];
    const pins = new PinBook({
      pins: options.pins ?? [],
      adopted: (reference) => (reference === node ? (options.adopted ?? []) : []),
      refusal: () => options.refusal,
      look: (reference) => {
        looks.push(reference);
        const at = reference.split('@')[1];
        const found = options.registry ?? [];
        return Promise.resolve(at ? found.find((one) => one.digest === at) : found[0]);
      },
    });
    return { pins, looks };
  };
  const a = snapshot('a', 'linux/amd64', 'linux/arm64');
  const b = snapshot('b', 'linux/amd64');

  it('refuses what no policy allows, by tag and by digest, and builds on what was adopted before', async () => {
    const refusal = 'The policy strict does not allow it.';
    const denied = { code: 'ACCESS_DENIED', message: refusal };
    const none = book({ registry: [a], refusal });
    await expect(none.pins.pin(node, ['linux/amd64'])).rejects.toMatchObject(denied);
    await expect(none.pins.pin(`${node}@${a.digest}`, ['linux/amd64'])).rejects.toMatchObject(denied);
    expect(none.looks).toEqual([]);
    const known = book({ adopted: [a], refusal });
    expect(await known.pins.pin(node, ['linux/amd64'])).toMatchObject({ snapshot: a, from: 'adopted' });
  });

  it('takes the digest of the offer first, then what is adopted, and asks the registry last', async () => {
    const all = { pins: [pinOf(b, 'linux/amd64')], adopted: [a, b], registry: [a] };
    expect(await book(all).pins.pin(node, ['linux/amd64'])).toMatchObject({ snapshot: b, from: 'offer' });
    const second = book({ ...all, pins: [] });
    expect(await second.pins.pin(node, ['linux/amd64'])).toMatchObject({ snapshot: a, from: 'adopted' });
    expect(second.looks).toEqual([]);
    const third = book({ registry: [a] });
    expect(await third.pins.pin(node, ['linux/amd64'])).toMatchObject({ snapshot: a, from: 'registry' });
  });

  it('asks the registry once, however often a tag is used: it may move meanwhile', async () => {
    const { pins, looks } = book({ registry: [a] });
    await Promise.all([pins.pin(node, ['linux/amd64']), pins.pin(node, ['linux/arm64'])]);
    await pins.pin(node, ['linux/arm64']);
    expect(looks).toEqual([node]);
  });

  it('chooses again, and says so, when a platform turns up that the first choice lacks', async () => {
    const { pins } = book({ adopted: [b, a] });
    expect((await pins.pin(node, ['linux/amd64'])).snapshot).toBe(b);
    expect(pins.changes).toBe(0);
    expect((await pins.pin(node, ['linux/arm64'])).snapshot).toBe(a);
    expect(pins.changes).toBe(1);
    // Never children of two indexes: the first platform now comes from the same index.
    expect((await pins.pin(node, ['linux/amd64'])).snapshot).toBe(a);
  });

  it('keeps to a digest that the Dockerfile names', async () => {
    const pinned = `docker.io/library/node:22@${b.digest}`;
    const { pins, looks } = book({ adopted: [a], registry: [a, b] });
    expect(await pins.pin(pinned, ['linux/amd64'])).toMatchObject({ snapshot: b, from: 'digest' });
    expect(looks).toEqual([`docker.io/library/node@${b.digest}`]);
  });

  it('never answers a snapshot that lacks a platform that was asked for', async () => {
    const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x'];
    const snapshots = fc.array(fc.subarray(platforms), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        snapshots,
        fc.array(fc.subarray(platforms, { minLength: 1 }), { minLength: 1 }),
        async (adopted, asked) => {
          const all = adopted.map((has, i) => snapshot(`s${i}`, ...has));
          const { pins } = book({ adopted: all, registry: [snapshot('now', ...platforms)] });
          const needed = new Set<string>();
          for (const wanted of asked) {
            for (const platform of wanted) needed.add(platform);
            const chosen = await pins.pin(node, wanted);
            for (const platform of needed) expect(chosen.snapshot.platforms).toHaveProperty([platform]);
          }
        },
      ),
    );
  });
});
