import { createHash } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gzipped, inPieces, patched, tarGzOf, tarOf, type TestEntry } from '../testing/tar.js';
import { checkArchive } from './check.js';
import { extractArchive } from './extract.js';

let base: string;
let inside: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'context-spec-'));
  inside = join(base, 'deep', 'inside');
  await mkdir(inside, { recursive: true });
});
afterEach(() => rm(base, { recursive: true, force: true }));

const onlyInside = async (): Promise<void> => {
  expect(await readdir(base)).toEqual(['deep']);
  expect(await readdir(join(base, 'deep'))).toEqual(['inside']);
};

describe('unpacking an ordinary context', () => {
  const entries: TestEntry[] = [
    { name: './', type: 'directory', mode: 0o755 },
    { name: './Dockerfile', content: 'FROM scratch\n', mode: 0o640 },
    { name: './bin/', type: 'directory', mode: 0o750, mtime: new Date(1_600_000_000_000) },
    { name: './bin/run', content: '#!/bin/sh\n', mode: 0o4755 },
    { name: './bin/alias', type: 'symlink', linkname: '../Dockerfile' },
    { name: './bin/same', type: 'link', linkname: './bin/run' },
    { name: './implied/by/path', content: 'x', pax: { mtime: '1700000000.25' } },
  ];

  it('keeps contents, permission bits and times, and drops setuid', async () => {
    await extractArchive(inPieces(await tarGzOf(entries)), inside);
    expect(await readFile(join(inside, 'Dockerfile'), 'utf8')).toBe('FROM scratch\n');
    expect((await stat(join(inside, 'Dockerfile'))).mode & 0o7777).toBe(0o640);
    expect((await stat(join(inside, 'bin/run'))).mode & 0o7777).toBe(0o755);
    expect((await stat(join(inside, 'bin'))).mode & 0o7777).toBe(0o750);
    expect((await stat(join(inside, 'bin'))).mtimeMs).toBe(1_600_000_000_000);
    expect((await lstat(join(inside, 'bin/alias'))).mtimeMs).toBe(1_700_000_000_000);
    expect((await stat(join(inside, 'implied/by/path'))).mtimeMs).toBe(1_700_000_000_250);
    expect((await stat(join(inside, 'implied'))).mtimeMs).toBe(0);
    expect(await readlink(join(inside, 'bin/alias'))).toBe('../Dockerfile');
    expect((await stat(join(inside, 'bin/same'))).ino).toBe((await stat(join(inside, 'bin/run'))).ino);
  });

  it('tells digest, size and number of entries, the same whether it is unpacked or only checked', async () => {
    const archive = await tarGzOf(entries);
    const checked = await checkArchive(inPieces(archive));
    expect(checked).toEqual({
      digest: `sha256:${createHash('sha256').update(archive).digest('hex')}`,
      bytes: archive.length,
      entries: 8,
      unpackedBytes: 24,
    });
    expect(await extractArchive(inPieces(archive), inside)).toEqual(checked);
  });

  it('reads plain tar and zstd, told by their first bytes', async () => {
    const plain = await tarOf(entries);
    expect((await checkArchive(inPieces(plain))).entries).toBe(8);
    expect((await checkArchive(inPieces(await promisify(zstdCompress)(plain)))).entries).toBe(8);
  });

  it('takes the later of two files of one name, as tar does', async () => {
    const twice = [
      { name: 'a', content: 'one' },
      { name: 'b', type: 'link', linkname: 'a' },
      { name: 'a', content: '2' },
    ];
    await extractArchive(inPieces(await tarGzOf(twice)), inside);
    expect(await readFile(join(inside, 'a'), 'utf8')).toBe('2');
    expect(await readFile(join(inside, 'b'), 'utf8')).toBe('one');
  });

  it('keeps links that lead in a circle, as they lead nowhere', async () => {
    const circle = [
      { name: 'a', type: 'symlink', linkname: 'b' },
      { name: 'b', type: 'symlink', linkname: 'a' },
    ];
    await extractArchive(inPieces(await tarGzOf(circle)), inside);
    expect(await readlink(join(inside, 'a'))).toBe('b');
  });
});

const file = (name: string): TestEntry => ({ name, content: 'owned' });
const symlink = (name: string, linkname: string): TestEntry => ({ name, linkname, type: 'symlink' });

const hostile: [why: string, entries: TestEntry[]][] = [
  ['an absolute name', [file('/etc/owned')]],
  ['a name that climbs out', [file('../owned')]],
  ['a name that climbs out from below', [file('a/../../owned')]],
  ['a name with .. that stays inside', [file('a/../b')]],
  ['a name with a NUL', [{ ...file('a'), pax: { path: 'a\0b' } }]],
  ['a name that is absolute in its pax header only', [{ ...file('a'), pax: { path: '/owned' } }]],
  ['a name longer than 4096 bytes', [file('a/'.repeat(2100) + 'b')]],
  ['a part longer than 255 bytes', [file('a'.repeat(256))]],
  ['a symbolic link to an absolute name', [symlink('a', '/etc/passwd')]],
  ['a symbolic link that climbs out', [symlink('a/b', '../../owned')]],
  [
    'a symbolic link that climbs out through another',
    [symlink('d/e/root', '../..'), symlink('d/e/out', 'root/../owned')],
  ],
  ['links that climb out in the other order', [symlink('d/e/out', 'root/../owned'), symlink('d/e/root', '../..')]],
  ['a file below a symbolic link', [symlink('a', 'b'), file('a/owned')]],
  ['a file below a link that was a directory', [file('a/x'), symlink('a', 'b'), file('a/owned')]],
  ['a directory in place of a link', [symlink('a', 'b'), { name: 'a', type: 'directory' }, file('a/owned')]],
  ['a file in place of a link', [symlink('a', 'b'), file('a')]],
  ['a file below a file', [file('a'), file('a/b')]],
  ['a hard link out', [{ name: 'a', type: 'link', linkname: '../../outside' }]],
  ['a hard link to an absolute name', [{ name: 'a', type: 'link', linkname: '/etc/passwd' }]],
  ['a hard link to a symbolic link', [symlink('a', 'b'), { name: 'c', type: 'link', linkname: 'a' }]],
  ['a hard link to what is not there', [{ name: 'c', type: 'link', linkname: 'a' }]],
  ['a hard link in place of a file', [file('a'), file('b'), { name: 'b', type: 'link', linkname: 'a' }]],
  ['a character device', [{ name: 'null', type: 'character-device' }]],
  ['a block device', [{ name: 'sda', type: 'block-device' }]],
  ['a fifo', [{ name: 'pipe', type: 'fifo' }]],
];

describe('a hostile archive', () => {
  it.each(hostile)('with %s is refused, and nothing outside is touched', async (_, entries) => {
    const archive = await tarGzOf([file('before'), ...entries]);
    const refusal = expect.objectContaining({ code: 'UNSAFE_ARCHIVE', retryable: false }) as Error;
    await expect(checkArchive(inPieces(archive))).rejects.toEqual(refusal);
    await expect(extractArchive(inPieces(archive), inside)).rejects.toEqual(refusal);
    await onlyInside();
  });

  it('with a directory or link that claims to have content is refused, and does not hang', async () => {
    for (const type of ['5', '2', '1']) {
      const tar = patched(await tarOf([{ name: 'a', content: 'x'.repeat(600), linkname: 'b' }]), 0, 156, type);
      await expect(checkArchive(inPieces(tar))).rejects.toMatchObject({ code: 'UNSAFE_ARCHIVE' });
    }
  });

  it('with a size that cannot be read is refused, and does not hang', async () => {
    const tar = patched(await tarOf([file('a'), file('b')]), 1024, 124, Buffer.from([0xa9]));
    await expect(checkArchive(inPieces(tar))).rejects.toMatchObject({ code: 'UNSAFE_ARCHIVE' });
  });

  it('with an unknown kind of entry or a name that is not UTF-8 is refused', async () => {
    const tar = await tarOf([file('aaaa')]);
    await expect(checkArchive(inPieces(patched(tar, 0, 156, 'S')))).rejects.toMatchObject({ code: 'UNSAFE_ARCHIVE' });
    const latin = patched(tar, 0, 0, Buffer.from([0xe9, 0xe8]));
    await expect(checkArchive(inPieces(latin))).rejects.toThrow('not UTF-8');
  });

  it('may keep its links as they are where the caller never follows them, and is still not written through', async () => {
    const archive = await tarGzOf([symlink('rootfs/lib', '/usr/lib'), file('rootfs/x')]);
    await extractArchive(inPieces(archive), inside, { outsideLinks: 'keep' });
    expect(await readlink(join(inside, 'rootfs/lib'))).toBe('/usr/lib');
    const through = await tarGzOf([symlink('lib', base), file('lib/owned')]);
    await expect(checkArchive(inPieces(through), {}, { outsideLinks: 'keep' })).rejects.toThrow('lies below');
    await onlyInside();
  });

  it('is refused when following its links through each other is too much work', async () => {
    const long = 'd/../'.repeat(800);
    const links = Array.from({ length: 300 }, (_, n) => symlink(`l${n}`, `${long}l${n + 1}`));
    await expect(checkArchive(inPieces(await tarGzOf(links)))).rejects.toThrow('too many');
  });
});

describe('limits of an archive', () => {
  const many = Array.from({ length: 5 }, (_, n) => file(`f${n}`));

  it.each([
    ['entries', { entries: 4 }, many],
    ['entries that are implied by a path', { entries: 4 }, [file('a/b/c/d/e')]],
    ['entries that repeat one name', { entries: 4 }, Array.from({ length: 5 }, () => file('a'))],
    ['bytes that travel', { compressedBytes: 100 }, many],
    ['unpacked bytes', { unpackedBytes: 3000 }, many],
    ['bytes that a header only claims', { unpackedBytes: 5000 }, [{ name: 'a', content: Buffer.alloc(4_000_000) }]],
  ])('refuse it whole for its %s', async (_, limits, entries) => {
    const archive = await tarGzOf(entries);
    await expect(checkArchive(inPieces(archive), limits)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await expect(extractArchive(inPieces(archive), inside, { limits })).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  it('refuse a bomb, but not a small file that packs well', async () => {
    const bomb = await tarGzOf([{ name: 'zeros', content: Buffer.alloc(4_000_000) }]);
    const limits = { ratioFloorBytes: 2_000_000 };
    await expect(checkArchive(inPieces(bomb), limits)).rejects.toMatchObject({ code: 'UNSAFE_ARCHIVE' });
    expect((await checkArchive(inPieces(bomb))).unpackedBytes).toBe(4_000_000);
  });
});

describe('bytes that are no archive', () => {
  it.each([
    ['nothing', '', 'empty'],
    ['a web page', '<!doctype html>', 'a web page'],
    ['a zip file', 'PK\u0003\u0004', 'a zip file'],
    ['text', 'hello', 'something else'],
  ])('are named: %s', async (_, text, words) => {
    await expect(checkArchive(inPieces(Buffer.from(text)))).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining(words) as string,
    });
  });

  it('are noticed when an archive is cut off anywhere', async () => {
    const plain = await tarOf([file('a'), { name: 'b', content: 'x'.repeat(1000) }]);
    const packed = await gzipped(plain);
    for (let cut = 1; cut < packed.length; cut += 1) {
      await expect(checkArchive(inPieces(packed.subarray(0, cut)))).rejects.toMatchObject({ code: 'INVALID' });
    }
    for (let cut = 512; cut <= plain.length - 1024; cut += 512) {
      await expect(checkArchive(inPieces(plain.subarray(0, cut)))).rejects.toMatchObject({ code: 'INVALID' });
    }
  });

  it('are told from a source that breaks off, which may be tried again', async () => {
    const archive = await tarGzOf([file('a')]);
    async function* breaking(): AsyncGenerator<Buffer> {
      yield archive.subarray(0, 20);
      throw await Promise.resolve(new Error('socket hang up'));
    }
    await expect(checkArchive(breaking())).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  });

  it('are not waited for when the caller gives up', async () => {
    const giveUp = new AbortController();
    async function* stalling(): AsyncGenerator<Buffer> {
      yield (await tarGzOf([file('a')])).subarray(0, 20);
      giveUp.abort(new Error('cancelled'));
      await new Promise(() => undefined);
    }
    await expect(checkArchive(stalling(), {}, { signal: giveUp.signal })).rejects.toThrow('cancelled');
  });
});

describe('whatever bytes come', () => {
  it('unpacking ends, and writes only inside', async () => {
    const plain = await tarOf([
      file('a/b'),
      symlink('c', 'a/b'),
      { name: 'd', type: 'link', linkname: 'a/b' },
      { ...file('e'), pax: { mtime: '1', path: 'long/name' } },
    ]);
    const edits = fc.array(fc.tuple(fc.nat(plain.length - 1), fc.nat(255)), { maxLength: 4 });
    // A packer's checksum is made right again half of the time, so that more than the checksum is tried.
    await fc.assert(
      fc.asyncProperty(edits, fc.nat(plain.length), fc.boolean(), fc.boolean(), async (changes, cut, mend, gzip) => {
        let bytes: Buffer = Buffer.from(plain);
        for (const [at, value] of changes) {
          bytes[at] = value;
          const header = at - (at % 512);
          if (mend) bytes = patched(bytes, header, at - header, Buffer.from([value]));
        }
        if (!mend) bytes = bytes.subarray(0, cut);
        const target = await mkdtemp(join(inside, 'x-'));
        await extractArchive(inPieces(gzip ? await gzipped(bytes) : bytes), target).catch((error: unknown) => {
          expect(error).toMatchObject({ name: 'ContextError' });
        });
        await onlyInside();
        await rm(target, { recursive: true, force: true });
      }),
      { numRuns: 200 },
    );
  }, 30_000);
});
