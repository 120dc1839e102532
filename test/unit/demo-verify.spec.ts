import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { declaration } from '../demo/graph.js';
import { contentProblems, mustBeRebuilt, orderProblems, pushesIn } from '../demo/verify.js';

const put = (path: string, status = 201): string =>
  `127.0.0.1 - - [23/Nov/2026:17:30:23 +0000] "PUT /v2/${path} HTTP/1.1" ${status} 0 "" "node"`;
const named = (name: string) => declaration.images.find((image) => image.name === name)!;

describe('the check of the demo', () => {
  it('imports nothing of Plinth', async () => {
    const source = await readFile(new URL('../demo/verify.ts', import.meta.url), 'utf8');
    const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, from]) => from!);
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.filter((from) => !from.startsWith('node:') && from !== 'tar-stream')).toEqual([]);
  });

  it('knows the minimum: what stands on the base at any depth, without what is not automatic', () => {
    const names = (base: string) => mustBeRebuilt(declaration, base).map(({ name }) => name);
    expect(names('base')).toEqual(['runtime', 'framework', 'shop', 'report', 'left', 'right', 'join', 'web']);
    expect(names('toolchain')).toEqual(['web']);
  });

  it('counts manifests that were put by tag, and nothing else', () => {
    const journal = [
      put('acme/shop/manifests/1'),
      put(`acme/shop/manifests/sha256:${'a'.repeat(64)}`),
      put('acme/shop/manifests/1', 500),
      put('acme/shop/blobs/uploads/4c1f'),
      put('acme/shop/manifests/1').replace('PUT', 'GET'),
    ].join('\n');
    expect(pushesIn(journal)).toEqual([{ line: 1, pushed: 'acme/shop:1', marker: null }]);
  });

  it('sees an image that was pushed before one that it stands on', () => {
    const order = (...images: string[]) =>
      orderProblems(declaration, 'base', pushesIn(images.map((name) => put(`acme/${name}/manifests/1`)).join('\n')));
    expect(order('runtime', 'left', 'right', 'framework', 'join', 'shop', 'report')).toEqual([]);
    expect(order('left', 'join', 'right')).toEqual([expect.stringContaining('join was built before right')]);
    expect(order('report', 'framework', 'report')).toEqual([
      expect.stringContaining('report was built before framework'),
    ]);
  });

  it('wants the new token in what is rebuilt, and the old one in what is left alone', () => {
    const tokens = { base: { first: 'old', now: 'new' } };
    const files = (token: string, ...paths: string[]) => new Map(paths.map((path) => [path, `${token}\n`]));
    expect(contentProblems(named('left'), files('new', '/token', '/seen/left'), tokens)).toEqual([]);
    expect(contentProblems(named('left'), files('old', '/token', '/seen/left'), tokens)).toHaveLength(2);
    expect(contentProblems(named('left'), files('new', '/token'), tokens)).toEqual([
      'left has no file /seen/left, which its build writes.',
    ]);
    expect(contentProblems(named('archive'), files('old', '/token', '/seen/archive'), tokens)).toEqual([]);
    expect(contentProblems(named('archive'), files('new', '/token', '/seen/archive'), tokens)).toHaveLength(2);
  });
});
