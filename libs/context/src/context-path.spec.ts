import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatContextPath, parseContextPath, type ContextPath } from './context-path.js';

const git = (url: string, ref: string | null = null, folder: string | null = null): ContextPath => ({
  kind: 'git',
  url,
  ref,
  folder,
});
const tarball = (url: string): ContextPath => ({ kind: 'tarball', url });
const sha = 'a'.repeat(64);

describe('a context path', () => {
  it.each<[string, ContextPath]>([
    [`context://sha256:${sha}`, { kind: 'archive', digest: `sha256:${sha}` }],
    ['https://github.com/u/r.git', git('https://github.com/u/r.git')],
    ['https://github.com/u/r', git('https://github.com/u/r')],
    ['github.com/u/r.git#main:src', git('https://github.com/u/r.git', 'main', 'src')],
    ['https://host/u/r.git#', git('https://host/u/r.git')],
    ['https://host/u/r.git#:app', git('https://host/u/r.git', null, 'app')],
    ['https://host/u/r.git#release/1.2:/a/./b/', git('https://host/u/r.git', 'release/1.2', 'a/b')],
    ['https://host/u/r.git#v1:with space', git('https://host/u/r.git', 'v1', 'with space')],
    ['https://host/u/r.git#v1:with%20space', git('https://host/u/r.git', 'v1', 'with space')],
    ['https://host/u/r.git#refs/pull/7/head', git('https://host/u/r.git', 'refs/pull/7/head')],
    ['https://dev.azure.com/o/p/_git/r#main', git('https://dev.azure.com/o/p/_git/r', 'main')],
    ['http://localhost:3000/u/r.git#main', git('http://localhost:3000/u/r.git', 'main')],
    ['https://host/x.tar.gz', tarball('https://host/x.tar.gz')],
    ['https://host/x.tgz?sig=a%2Fb', tarball('https://host/x.tgz?sig=a%2Fb')],
    ['oci://ghcr.io/acme/app-src:v1', { kind: 'artifact', reference: 'ghcr.io/acme/app-src:v1' }],
    ['oci://localhost:5000/app', { kind: 'artifact', reference: 'localhost:5000/app:latest' }],
    [`oci://ghcr.io/a/b@sha256:${sha}`, { kind: 'artifact', reference: `ghcr.io/a/b@sha256:${sha}` }],
    ['https://codeload.github.com/u/r/tar.gz/main', tarball('https://codeload.github.com/u/r/tar.gz/main')],
  ])('%s is understood', (text, expected) => {
    expect(parseContextPath(text)).toEqual(expected);
  });

  it.each([
    ['', 'expected'],
    [' https://host/r.git', 'spaces around'],
    ['https://token@host/u/r.git', 'contextAccessToken'],
    ['https://user:token@host/u/r.git#main', 'contextAccessToken'],
    ['https://@host/u/r.git', 'contextAccessToken'],
    ['git@github.com:u/r.git', 'SSH'],
    ['ssh://git@github.com/u/r.git', 'SSH'],
    ['git://host/u/r.git', 'https'],
    ['file:///etc', 'upload'],
    ['./dir', 'upload'],
    ['/home/me/dir', 'upload'],
    ['/dev/null', '/dev/null'],
    ['oci://r:1', 'names no registry'],
    ['oci://library/r:1', 'names no registry'],
    ['oci://host.test/R:1', 'names no artifact'],
    ['oci://host.test/r:1#main', 'names no artifact'],
    ['oci:host.test/r:1', 'names no artifact'],
    ['oci://me:token@host.test/r:1', 'names no'],
    ['ext::sh -c id', 'no context path'],
    ['ftp://host/x.tar.gz', 'no context path'],
    ['context://sha256:abc', '64'],
    [`context://sha512:${sha}`, '64'],
    ['https://host/u/r.git#--upload-pack=id', 'name of a branch'],
    ['https://host/u/r.git#a..b', 'name of a branch'],
    ['https://host/u/r.git#main:../x', 'no folder'],
    ['https://host/u/r.git#main:%2e%2e/x', 'no folder'],
    ['https://host/u/r.git#main:.git/hooks', '.git'],
    ['https://host/u/r.git#%zz', '%'],
    ['https://host/u/r.git?ref=x', 'no query'],
    ['https://host/u/r#main', '.git'],
    ['https://host/x.zip', 'tar.gz'],
    ['https://host/', 'whole host'],
    ['https://', 'no address'],
  ])('%s is refused with what to do instead', (text, words) => {
    expect(() => parseContextPath(text)).toThrow(
      expect.objectContaining({ code: 'INVALID', message: expect.stringContaining(words) as string }) as Error,
    );
  });

  it('with a credential in it is refused without repeating the credential', () => {
    for (const text of [
      'https://u:canary@h/r.git',
      'https://canary@h/r',
      'ftp://u:canary@h/r',
      'https://u:canary@:x',
    ]) {
      expect(() => parseContextPath(text)).toThrow(expect.not.objectContaining({ message: /canary/ }) as Error);
      try {
        parseContextPath(text);
      } catch (error) {
        expect(String(error)).not.toContain('canary');
      }
    }
  });

  it('is read or refused in words, whatever is written', () => {
    const pieces = fc.constantFrom(
      'https://',
      'host',
      '/u/r.git',
      '#',
      ':',
      '..',
      '%',
      '@',
      'main',
      '/',
      '?',
      '.tgz',
      ' ',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (written) => {
        let path: ContextPath;
        try {
          path = parseContextPath(written);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ContextError', code: 'INVALID' });
          return;
        }
        expect(parseContextPath(formatContextPath(path))).toEqual(path);
        if (path.kind === 'git') expect(path.folder?.split('/') ?? []).not.toContain('..');
      }),
    );
  });
});
