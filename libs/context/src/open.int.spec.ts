import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseContextPath } from './context-path.js';
import { openContext, resolveRevision, type OpenedContext, type OpenOptions } from './open.js';
import { listening } from './testing/git-server.js';
import { inPieces, tarGzOf } from './testing/tar.js';

let workDir: string;
const servers: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'context-open-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await rm(workDir, { recursive: true, force: true });
});

const serve = async (handler: RequestListener): Promise<string> => {
  const server = await listening(handler);
  servers.push(server);
  return server.url;
};
const open = (text: string, options: Partial<OpenOptions> = {}): Promise<OpenedContext> =>
  openContext(parseContextPath(text), { archive: () => Promise.reject(new Error('none')), workDir, ...options });
const nothingLeft = async (): Promise<void> => expect(await readdir(workDir)).toEqual([]);
const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const archive = await tarGzOf([{ name: 'Dockerfile', content: 'FROM a\n' }]);

describe('an uploaded context', () => {
  const path = `context://${digestOf(archive)}`;

  it('is unpacked where only this user can enter, and is gone when it is closed', async () => {
    const context = await open(path, { archive: () => Promise.resolve(inPieces(archive)) });
    expect(context.revision).toBe(digestOf(archive));
    expect(await readFile(join(context.dir, 'Dockerfile'), 'utf8')).toBe('FROM a\n');
    expect((await stat(dirname(context.dir))).mode & 0o777).toBe(0o700);
    expect(await resolveRevision(parseContextPath(path), { workDir })).toBe(context.revision);
    await context.close();
    await context.close();
    await nothingLeft();
  });

  it('is refused when the store has none, or other bytes, or another revision is wanted', async () => {
    const missing = Object.assign(new Error('no'), { code: 'NOT_FOUND' });
    await expect(open(path, { archive: () => Promise.reject(missing) })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(open(path)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const other = await tarGzOf([{ name: 'x' }]);
    const swapped = open(path, { archive: () => Promise.resolve(inPieces(other)) });
    await expect(swapped).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(open(path, { revision: digestOf(other) })).rejects.toMatchObject({ code: 'REVISION_GONE' });
    await nothingLeft();
  });
});

describe('an archive on a web server', () => {
  it('is fetched over redirects; its revision is its digest', async () => {
    const authorizations: (string | undefined)[] = [];
    const storage = await serve((request, response) => {
      authorizations.push(request.headers.authorization);
      response.end(archive);
    });
    const front = await serve((request, response) => {
      authorizations.push(request.headers.authorization);
      const location = request.url === '/x.tgz' ? '/y.tgz' : `${storage}/z?signature=1`;
      response.writeHead(302, { location }).end();
    });
    const context = await open(`${front}/x.tgz`, { accessToken: 'canary' });
    expect(context.revision).toBe(digestOf(archive));
    expect(await readdir(context.dir)).toEqual(['Dockerfile']);
    expect(authorizations).toEqual(['Bearer canary', 'Bearer canary', undefined]);
    const again = await open(`${front}/x.tgz`, { revision: context.revision });
    expect(again.revision).toBe(context.revision);
  });

  it('that is another one now is not built in place of the revision that was asked for', async () => {
    const url = await serve((_, response) => void response.end(archive));
    const pinned = open(`${url}/x.tgz`, { revision: `sha256:${'0'.repeat(64)}` });
    await expect(pinned).rejects.toMatchObject({ code: 'REVISION_GONE', retryable: false });
    await nothingLeft();
  });

  it.each([
    [404, 'NOT_FOUND'],
    [401, 'ACCESS_DENIED'],
    [403, 'ACCESS_DENIED'],
    [503, 'UNAVAILABLE'],
    [429, 'UNAVAILABLE'],
    [204, 'INVALID'],
  ])('answered with %i is %s', async (status, code) => {
    const url = await serve((_, response) => void response.writeHead(status).end());
    await expect(open(`${url}/x.tgz`)).rejects.toMatchObject({ code });
    await nothingLeft();
  });

  it.each([
    ['too many redirects', '/again', 'INVALID'],
    ['a redirect to another protocol', 'file:///etc/passwd', 'INVALID'],
    ['a redirect to the metadata service', 'http://169.254.169.254/latest', 'ACCESS_DENIED'],
    ['a redirect to it in the dress of IPv6', 'http://[::ffff:169.254.169.254]/latest', 'ACCESS_DENIED'],
  ])('is refused for %s', async (_, location, code) => {
    const url = await serve((__, response) => void response.writeHead(302, { location }).end());
    await expect(open(`${url}/x.tgz`)).rejects.toMatchObject({ code });
  });

  it('that breaks off may be tried again, and leaves nothing', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, 50), () => response.destroy());
    });
    await expect(open(`${url}/x.tgz`)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    await nothingLeft();
  });

  it('that is too large is refused, whether it says so or not', async () => {
    const honest = await serve((_, response) => void response.end(archive));
    const silent = await serve((_, response) => {
      response.write(archive.subarray(0, 60));
      response.end(archive.subarray(60));
    });
    for (const url of [honest, silent]) {
      const opening = open(`${url}/x.tgz`, { limits: { compressedBytes: 70 } });
      await expect(opening).rejects.toMatchObject({ code: 'TOO_LARGE' });
    }
    await nothingLeft();
  });

  it('that stalls is left when the caller gives up', async () => {
    const giveUp = new AbortController();
    const url = await serve((_, response) => {
      response.write(archive.subarray(0, 50), () => giveUp.abort(new Error('cancelled')));
    });
    await expect(open(`${url}/x.tgz`, { signal: giveUp.signal })).rejects.toThrow('cancelled');
    await nothingLeft();
  });

  it('that is a web page is told to be one', async () => {
    const url = await serve((_, response) => void response.end('<!doctype html><title>Sign in</title>'));
    await expect(open(`${url}/x.tgz`)).rejects.toThrow('a web page');
  });
});
