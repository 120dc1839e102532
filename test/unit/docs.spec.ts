import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '#libs/testing';
import { isSaid, quotedMessages, sources } from '../support/messages.js';
import { patternOf, stepsOf } from '../support/page.js';

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');

describe('the pages', () => {
  it('quote messages that the code says', () => {
    const texts = sources();
    const messages = quotedMessages(read('docs/troubleshooting.md'));
    expect(messages.length).toBeGreaterThan(30);
    expect(messages.filter((message) => !isSaid(message, texts))).toEqual([]);
    expect(isSaid('Plinth is running already on … (process …). Start it first', texts)).toBe(false);
  });

  it('link to pages and files that are there', () => {
    const pages = globSync(['README.md', 'docs/**/*.md', 'libs/*/README.md'], { cwd: repositoryRoot });
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => !existsSync(resolve(repositoryRoot, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('are all reached from the index', () => {
    const index = read('docs/README.md');
    const pages = globSync('docs/**/*.md', { cwd: repositoryRoot }).map((page) => page.slice('docs/'.length));
    expect(pages.filter((page) => page !== 'README.md' && !index.includes(`(${page})`))).toEqual([]);
  });
});

describe('the runner of pages', () => {
  it('takes commands with the output that follows them, and leaves other blocks alone', () => {
    const page = ['```sh', 'echo a', '```', 'text', '```text output', 'a', '```', '```console', '$ no', '```'].join(
      '\n',
    );
    expect(stepsOf(page)).toEqual([{ line: 1, commands: 'echo a', output: 'a' }]);
    expect(() => stepsOf('```text output\na\n```')).toThrow('Line 1: no commands have this output.');
    expect(() => stepsOf('```sh\nls')).toThrow('The block of line 1 has no end.');
  });

  it('compares with … for what differs, in a line and for lines', () => {
    expect(patternOf('a … c').test('a b c')).toBe(true);
    expect(patternOf('a … c').test('a b d')).toBe(false);
    expect(patternOf('ID   NAME').test('ID NAME')).toBe(true);
    expect(patternOf('a\n…').test('a\nb\nc')).toBe(true);
    expect(patternOf('a\n…\nd').test('a\nb\nc\nd')).toBe(true);
    expect(patternOf('a').test('a\nb')).toBe(false);
    expect(patternOf('a.b').test('axb')).toBe(false);
  });
});
