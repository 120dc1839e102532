import { mkdirSync, readFileSync, readdirSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '#libs/oci';
import { tempDir, type TempDir } from '#libs/testing';
import { LayerShelf, type ShelvedLayer } from './layer-shelf.js';

describe('the shelf of base layers', () => {
  let dir: TempDir;
  let shelf: LayerShelf;
  beforeEach(async () => {
    dir = await tempDir('shelf');
    shelf = new LayerShelf({ dir: join(dir.path, 'layers'), maxBytes: 100 });
  });
  afterEach(() => dir.remove());

  const base = (name: string) => digestOf(Buffer.from(name));
  const layer = (content: string): ShelvedLayer => {
    const bytes = Buffer.from(content);
    const file = join(dir.path, `layer-${content.slice(0, 8)}`);
    writeFileSync(file, bytes);
    return { digest: digestOf(bytes), size: bytes.length, file };
  };
  let layouts = 0;
  const lent = async (...bases: string[]): Promise<{ hex: string; file: string }[]> => {
    const layout = join(dir.path, `layout-${++layouts}`);
    mkdirSync(layout);
    await shelf.lend(bases, layout);
    const blobs = join(layout, 'blobs', 'sha256');
    return readdirSync(layout).length === 0 ? [] : readdirSync(blobs).map((hex) => ({ hex, file: join(blobs, hex) }));
  };
  const hex = ({ digest }: ShelvedLayer) => digest.slice('sha256:'.length);

  it('lends what was kept of a base, under its digest, without a copy', async () => {
    const [one, two] = [layer('one'), layer('two')];
    await shelf.keep(base('a'), [one, two]);
    const found = await lent(base('a'));
    expect(found.map((blob) => blob.hex).sort()).toEqual([hex(one), hex(two)].sort());
    for (const { file } of found) expect(statSync(file).nlink).toBe(3);
    expect(found.map(({ file }) => readFileSync(file, 'utf8')).sort()).toEqual(['one', 'two']);
  });

  it('lends nothing of a base that nobody built on', async () => {
    await shelf.keep(base('a'), [layer('one')]);
    expect(await lent(base('b'))).toEqual([]);
  });

  it('lends a layer that two bases have once', async () => {
    const one = layer('one');
    await shelf.keep(base('a'), [one]);
    await shelf.keep(base('b'), [one]);
    expect((await lent(base('a'), base('b'))).map((blob) => blob.hex)).toEqual([hex(one)]);
  });

  it('does not lend a file that lost its end', async () => {
    const one = layer('one');
    await shelf.keep(base('a'), [one]);
    truncateSync(one.file, 2);
    expect(await lent(base('a'))).toEqual([]);
  });

  it('makes room by what was not built on for longest, and keeps nothing that needs more than all of it', async () => {
    await shelf.keep(base('a'), [layer('a'.repeat(40))]);
    await shelf.keep(base('b'), [layer('b'.repeat(40))]);
    for (const [at, name] of ['a', 'b'].entries()) utimesSync(join(dir.path, 'layers', base(name).slice(7)), at, at);
    await lent(base('a'));
    await shelf.keep(base('c'), [layer('c'.repeat(40))]);
    await shelf.keep(base('d'), [layer('d'.repeat(101))]);
    const there = await Promise.all(['a', 'b', 'c', 'd'].map(async (name) => (await lent(base(name))).length));
    expect(there).toEqual([1, 0, 1, 0]);
  });
});
