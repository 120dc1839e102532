import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AddressPolicy } from '#libs/oci';
import { parseContextPath } from '../context-path.js';
import { openContext, resolveRevision, type OpenedContext, type OpenOptions } from '../open.js';
import { gitServer, listening, type GitServer } from '../testing/git-server.js';

let server: GitServer;
let workDir: string;
beforeEach(async () => {
  server = await gitServer();
  workDir = await mkdtemp(join(tmpdir(), 'context-git-'));
});
afterEach(async () => {
  await server.close();
  await rm(workDir, { recursive: true, force: true });
});

const open = (fragment: string, options: Partial<OpenOptions> = {}, url = server.url): Promise<OpenedContext> =>
  openContext(parseContextPath(`${url}/r.git${fragment}`), {
    archive: () => Promise.reject(new Error('no uploads here')),
    workDir,
    ...options,
  });
const nothingLeft = async (): Promise<void> => expect(await readdir(workDir)).toEqual([]);

describe('a git context', () => {
  it('is the default branch when none is named, and all of it goes when it is closed', async () => {
    const commit = await server.commit('main', { Dockerfile: 'FROM a\n', 'app/x': 'x' });
    const context = await open('');
    expect(context.revision).toBe(commit);
    expect((await readdir(context.dir)).sort()).toEqual(['Dockerfile', 'app']);
    expect((await stat(join(context.dir, 'Dockerfile'))).mtime.toISOString()).toBe('2024-01-02T03:04:05.000Z');
    expect((await stat(join(context.dir, 'Dockerfile'))).mode & 0o7777).toBe(0o644);
    await context.close();
    await nothingLeft();
  });

  it('may be a branch, a tag, an annotated tag, a full name or a commit', async () => {
    const one = await server.commit('main', { Dockerfile: 'one' });
    const two = await server.commit('feature/x', { Dockerfile: 'two' });
    await server.git('tag', 'light', one);
    await server.git('-c', 'user.name=a', '-c', 'user.email=a@b', 'tag', '-a', '-m', 'x', 'heavy', two);
    for (const [ref, commit] of Object.entries({
      'feature/x': two,
      light: one,
      heavy: two,
      'refs/heads/main': one,
      [one]: one,
    })) {
      const context = await open(`#${ref}`);
      expect(context.revision).toBe(commit);
      expect(await readFile(join(context.dir, 'Dockerfile'), 'utf8')).toBe(commit === one ? 'one' : 'two');
      expect(await resolveRevision(parseContextPath(`${server.url}/r.git#${ref}`), { workDir })).toBe(commit);
      await context.close();
    }
    await nothingLeft();
  });

  it('may be a folder, which alone is brought', async () => {
    await server.commit('main', { Dockerfile: 'root', 'my app/sub/Dockerfile': 'sub', 'other/x': 'x' });
    const context = await open('#main:my%20app/sub');
    expect(await readFile(join(context.dir, 'Dockerfile'), 'utf8')).toBe('sub');
    expect(context.dir.endsWith('my app/sub')).toBe(true);
    expect(await readdir(join(context.dir, '..', '..'))).toEqual(['my app']);
  });

  it('holds the files of the commit, also those that the project keeps out of its archives', async () => {
    const attributes = 'Dockerfile export-ignore\nversion export-subst\n';
    await server.commit('main', { Dockerfile: 'FROM a\n', version: '$Format:%H$', '.gitattributes': attributes });
    const context = await open('');
    expect((await readdir(context.dir)).sort()).toEqual(['.gitattributes', 'Dockerfile', 'version']);
    expect(await readFile(join(context.dir, 'version'), 'utf8')).toBe('$Format:%H$');
  });

  it('builds the revision that is asked for after its branch has moved', async () => {
    const before = await server.commit('main', { Dockerfile: 'before' });
    const after = await server.commit('main', { Dockerfile: 'after' }, before);
    const context = await open('#main', { revision: before });
    expect(context.revision).toBe(before);
    expect(await readFile(join(context.dir, 'Dockerfile'), 'utf8')).toBe('before');
    expect((await open('#main')).revision).toBe(after);
  });

  it('finds an earlier revision by its branch where the server gives no commit by name', async () => {
    const before = await server.commit('main', { Dockerfile: 'before' });
    await server.commit('main', { Dockerfile: 'after' }, before);
    const old = await listening((request, response) => {
      // Protocol version 0, as old servers speak it, refuses commits that no branch points to.
      const { 'git-protocol': _, host: __, ...headers } = request.headers;
      void (async () => {
        const body: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) body.push(chunk);
        const answer = await fetch(server.url + request.url, {
          method: request.method ?? 'GET',
          headers: { ...(headers as Record<string, string>), connection: 'close' },
          ...(request.method === 'POST' ? { body: Buffer.concat(body) } : {}),
        });
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
        response.end(Buffer.from(await answer.arrayBuffer()));
      })();
    });
    try {
      const context = await open('#main', { revision: before }, old.url);
      expect(await readFile(join(context.dir, 'Dockerfile'), 'utf8')).toBe('before');
    } finally {
      await old.close();
    }
  });

  describe('with submodules', () => {
    const modules = (entries: Record<string, string>): string =>
      Object.entries(entries)
        .map(([path, url]) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`)
        .join('');

    it('brings them at the commits that it names, and theirs, from relative and full addresses', async () => {
      const inner = await server.commit('inner', { 'inner.txt': 'inner' });
      const middle = await server.commit('middle', {
        'middle.txt': 'middle',
        '.gitmodules': modules({ deep: '../r.git' }),
        deep: `@ ${inner}`,
      });
      await server.commit('middle', { 'middle.txt': 'newer' }, null);
      await server.commit('main', {
        Dockerfile: 'FROM a\n',
        '.gitmodules': modules({ 'libs/one': '../r.git', two: `${server.url}/r.git`, gone: '../r.git' }),
        'libs/one': `@ ${middle}`,
        two: `@ ${inner}`,
        // Known to the tree alone: there is no address to fetch it from.
        unknown: `@ ${inner}`,
      });
      const context = await open('');
      const text = (path: string) => readFile(join(context.dir, path), 'utf8');
      expect(await text('libs/one/middle.txt')).toBe('middle');
      expect(await text('libs/one/deep/inner.txt')).toBe('inner');
      expect(await text('two/inner.txt')).toBe('inner');
      expect(await readdir(join(context.dir, 'unknown'))).toEqual([]);
      const folder = await open('#main:libs');
      expect(await readdir(folder.dir)).toEqual(['one']);
      expect(await readFile(join(folder.dir, 'one', 'middle.txt'), 'utf8')).toBe('middle');
      await context.close();
      await folder.close();
      await nothingLeft();
    });

    it('sends the token to the server of the repository, and to no other', async () => {
      const asked: (string | undefined)[] = [];
      const other = await listening((request, response) => {
        asked.push(request.headers.authorization);
        response.writeHead(404).end();
      });
      try {
        const inner = await server.commit('inner', { x: 'x' });
        await server.commit('main', { '.gitmodules': modules({ own: '../r.git' }), own: `@ ${inner}` });
        server.wants = `Basic ${Buffer.from('me:token').toString('base64')}`;
        const context = await open('#main', { accessToken: 'me:token' });
        expect(await readFile(join(context.dir, 'own/x'), 'utf8')).toBe('x');
        server.wants = null;
        await server.commit('main', { '.gitmodules': modules({ own: `${other.url}/r.git` }), own: `@ ${inner}` });
        await expect(open('#main', { accessToken: 'me:token' })).rejects.toMatchObject({
          code: 'NOT_FOUND',
          message: expect.stringMatching(/^The submodule "own" cannot be read\. /) as string,
        });
        expect(asked).toEqual([undefined]);
      } finally {
        server.wants = null;
        await other.close();
      }
    });

    it.each([
      ['ssh://git@host/r.git', 'only https addresses and relative ones'],
      ['git@host:r.git', 'only https addresses and relative ones'],
      ['ext::sh -c id', 'only https addresses and relative ones'],
      ['/etc', 'only https addresses and relative ones'],
      ['https://me:token@host/r.git', 'a user name or token in its address'],
    ])('refuses one at %s, whatever it would name', async (url, words) => {
      const inner = await server.commit('inner', { x: 'x' });
      await server.commit('main', { '.gitmodules': modules({ sub: url }), sub: `@ ${inner}` });
      await expect(open('')).rejects.toMatchObject({
        code: 'INVALID',
        message: expect.stringContaining(words) as string,
      });
      await nothingLeft();
    });

    it('stops where repositories are within each other for ever, or too large together', async () => {
      const inner = await server.commit('inner', { x: 'x'.repeat(40_000) });
      let commit = inner;
      for (let depth = 0; depth < 7; depth++) {
        commit = await server.commit('nested', { '.gitmodules': modules({ sub: '../r.git' }), sub: `@ ${commit}` });
      }
      await expect(open('#nested')).rejects.toMatchObject({ code: 'TOO_LARGE' });
      const entries = Object.fromEntries(['a', 'b', 'c'].map((path) => [path, '../r.git']));
      const links = Object.fromEntries(['a', 'b', 'c'].map((path) => [path, `@ ${inner}`]));
      await server.commit('main', { '.gitmodules': modules(entries), ...links });
      // Each of them fits; all three do not.
      const limits = { unpackedBytes: 120_000 };
      await expect(open('#main', { limits })).rejects.toMatchObject({ code: 'TOO_LARGE' });
      await nothingLeft();
    });
  });

  it('says that a revision is gone, and does not build another', async () => {
    await server.commit('main', { Dockerfile: 'x' });
    await expect(open('#main', { revision: 'd'.repeat(40) })).rejects.toMatchObject({
      code: 'REVISION_GONE',
      retryable: false,
    });
    await nothingLeft();
  });

  it.each([
    ['#nope', 'NOT_FOUND', 'no branch or tag "nope"'],
    ['#main:nope', 'NOT_FOUND', 'no folder "nope"'],
    [`#${'e'.repeat(40)}`, 'NOT_FOUND', 'no commit'],
    ['#abcdef1', 'NOT_FOUND', 'all of its 40 characters'],
  ])('that is not there is named: %s', async (fragment, code, words) => {
    await server.commit('main', { Dockerfile: 'x' });
    await expect(open(fragment)).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string });
    await nothingLeft();
  });

  it('of an empty repository or a missing one is named', async () => {
    await expect(open('')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('pushed') as string,
    });
    await expect(open('', {}, `${server.url}/no`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is refused when a link leaves the repository, not when it leaves only the folder', async () => {
    await server.commit('main', { 'app/Dockerfile': 'x', 'app/license': '-> ../LICENSE', 'bad/out': '-> ../../etc' });
    await expect(open('')).rejects.toMatchObject({ code: 'UNSAFE_ARCHIVE' });
    await nothingLeft();
    expect((await readdir((await open('#main:app')).dir)).sort()).toEqual(['Dockerfile', 'license']);
  });

  it('is refused when it is too large to fetch or to unpack', async () => {
    const noise = Array.from({ length: 20_000 }, () => Math.random().toString(36)).join('');
    await server.commit('main', { noise });
    const fetching = open('', { limits: { compressedBytes: 8192 } });
    await expect(fetching).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await expect(open('', { limits: { unpackedBytes: 8192 } })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await nothingLeft();
  });
});

describe('a private repository', () => {
  const token = 'canary-token';
  const basic = `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;

  it('is read with the token, which no address and no message shows', async () => {
    await server.commit('main', { Dockerfile: 'x' });
    server.wants = basic;
    await expect(open('')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('give') as string,
    });
    const wrong = open('', { accessToken: 'canary-wrong' });
    await expect(wrong).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.not.stringContaining('canary') as string,
    });
    const context = await open('', { accessToken: token });
    expect(await readdir(context.dir)).toEqual(['Dockerfile']);
    expect(server.seen.map(({ url }) => url).join()).not.toContain('canary');
  });

  it('that redirects elsewhere does not get the token there', async () => {
    await server.commit('main', { Dockerfile: 'x' });
    const moved = await listening((request, response) => {
      response.writeHead(301, { location: server.url + request.url }).end();
    });
    try {
      const context = await open('', { accessToken: token }, moved.url);
      expect(await readdir(context.dir)).toEqual(['Dockerfile']);
      expect(server.seen.every(({ authorization }) => authorization === undefined)).toBe(true);
    } finally {
      await moved.close();
    }
  });

  it('gets no token in clear text', async () => {
    const path = parseContextPath('http://git.example.com/r.git');
    const options = { workDir, accessToken: token, archive: () => Promise.reject(new Error('none')) };
    await expect(openContext(path, options)).rejects.toMatchObject({ code: 'INVALID' });
  });
});

describe('a server that must not or cannot be asked', () => {
  it('is not connected to when the address policy forbids it', async () => {
    await expect(open('', { addressPolicy: new AddressPolicy() })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(server.seen).toEqual([]);
  });

  it('that is no git server is told', async () => {
    const web = await listening((_, response) => void response.setHeader('content-type', 'text/html').end('<html>'));
    await expect(open('', {}, web.url)).rejects.toMatchObject({ code: 'INVALID' });
    await web.close();
  });

  it('that is down may be tried again', async () => {
    const web = await listening(() => undefined);
    await web.close();
    await expect(open('', {}, web.url)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  });

  it('that stalls in the middle is left when the caller gives up, and git with it', async () => {
    const giveUp = new AbortController();
    const stalling = await listening((request, response) => {
      if (request.method === 'POST') return giveUp.abort(new Error('cancelled'));
      const advertisement = '001e# service=git-upload-pack\n0000000eversion 2\n000cls-refs\n000afetch\n0000';
      return void response.setHeader('content-type', 'application/x-git-upload-pack-advertisement').end(advertisement);
    });
    await expect(open('', { signal: giveUp.signal }, stalling.url)).rejects.toThrow('cancelled');
    await nothingLeft();
    await stalling.close();
  });
});
