import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tempDir, type TempDir } from '#libs/testing';
import { keepPosition, lastPosition } from './positions.js';

describe('the position that one command leaves for the next', () => {
  let dir: TempDir;
  let file: string;
  const [a, b] = ['http://a.test', 'http://b.test'] as const;

  beforeAll(async () => {
    dir = await tempDir('positions');
    file = join(dir.path, 'state', 'positions.json');
  });
  afterAll(() => dir.remove());

  it('is that of its own server, and only ever grows', () => {
    expect(lastPosition(file, a, 1000)).toBe(0);
    keepPosition(file, a, 7, 1000);
    keepPosition(file, b, 3, 1000);
    keepPosition(file, a, 5, 2000);
    expect([lastPosition(file, a, 3000), lastPosition(file, b, 3000)]).toEqual([7, 3]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is forgotten after a minute: a log may have been put back meanwhile', () => {
    expect(lastPosition(file, a, 61_000)).toBe(0);
    keepPosition(file, a, 2, 62_000);
    expect(lastPosition(file, a, 62_000)).toBe(2);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ [a]: { position: 2, at: 62_000 } });
    // A clock that was set back says nothing.
    expect(lastPosition(file, a, 10_000)).toBe(0);
  });

  it.each(['', 'not JSON', 'null', '{"http://a.test": 3}', '{"http://a.test": {"position": "x", "at": 1}}'])(
    'is nothing when the file holds %j',
    (text) => {
      writeFileSync(file, text);
      expect(lastPosition(file, a, 1)).toBe(0);
      keepPosition(file, a, 4, 2);
      expect(lastPosition(file, a, 3)).toBe(4);
    },
  );

  it('is not worth failing for', () => {
    writeFileSync(join(dir.path, 'plain'), '');
    const nowhere = join(dir.path, 'plain', 'x.json');
    keepPosition(nowhere, a, 1);
    expect(lastPosition(nowhere, a)).toBe(0);
  });
});
