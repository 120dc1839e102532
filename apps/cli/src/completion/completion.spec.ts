import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Readable } from 'node:stream';
import { exitCodes } from '#libs/contracts/light';
import { repositoryRoot } from '#libs/testing';
import { commands, nouns } from '../commands/index.js';
import { programFor } from '../program.js';
import { candidatesFor } from './candidates.js';
import { wordsOf } from './words.js';

const io = {
  stdin: Readable.from([]),
  stdout: { write: () => undefined },
  stderr: { write: () => undefined },
  env: {},
  cwd: '/',
  interrupted: new AbortController().signal,
};
const ask = async (line: string) => {
  const words = wordsOf(line);
  const tree = { entries: commands, nouns, io, version: '', onExit: () => undefined, onOptions: () => undefined };
  return candidatesFor(await programFor(words.slice(0, -1), tree), words);
};
const words = async (line: string): Promise<string[]> => {
  const { prefix, candidates } = await ask(line);
  return candidates.map(({ word }) => word).filter((word) => word.startsWith(prefix));
};

describe('words that could follow', () => {
  it('are commands, without those that are hidden', async () => {
    expect(await words('')).toEqual(expect.arrayContaining(['why', 'task', 'build']));
    expect(await words('')).not.toEqual(expect.arrayContaining(['run']));
    expect(await words('task c')).toEqual(['create', 'cancel-run', 'credential']);
    expect(await words('--server http://a.test task list-')).toEqual(['list-runs']);
  });

  it("are a command's own options and the common ones, without az's hidden ones", async () => {
    expect(await words('task create --ba')).toEqual([
      '--base-image-trigger-enabled',
      '--base-image-trigger-type',
      '--base-image-trigger-name',
    ]);
    expect(await words('task create --sch')).toEqual([]);
    expect(await words('task list --out')).toEqual(['--output']);
  });

  it('are the values of an option, apart or behind its =', async () => {
    expect(await words('task list -o js')).toEqual(['json']);
    expect(await words('task list --output=ya')).toEqual(['--output=yaml']);
  });

  it.each([
    ['task show ', 'task'],
    ['task show -n ', 'task'],
    ['task run --arg a=b ', 'task'],
    ['logs ', 'run'],
    ['runs list --task ', 'task'],
    ['wave show ', 'wave'],
    ['registry remove -y ', 'registry'],
    ['task list --context ', 'context'],
    ['task show a b ', undefined],
    ['task list ', undefined],
  ])('%j wants the name of a %s', async (line, placeholder) => expect((await ask(line)).placeholder).toBe(placeholder));

  it('are read from a line as a shell reads it', () => {
    expect(wordsOf('plinth task show ')).toEqual(['plinth', 'task', 'show', '']);
    expect(wordsOf(`a 'b c' "d e" f\\ g ''`)).toEqual(['a', 'b c', 'd e', 'f g', '']);
  });
});

describe('the tree of commands', () => {
  it('loads every command, and each shows help', async () => {
    for (const { path } of commands) {
      let out = '';
      const tree = {
        entries: commands,
        nouns,
        io: { ...io, stdout: { write: (text: string) => (out += text) } },
        version: '',
        onExit: () => undefined,
        onOptions: () => undefined,
      };
      const argv = [...path.split(' '), '--help'];
      await expect((await programFor(argv, tree)).parseAsync(argv, { from: 'user' })).rejects.toMatchObject({
        exitCode: 0,
      });
      expect(out, path).toContain(`Usage: plinth ${path}`);
    }
  });

  it('stands in the docs, every command and every exit code', () => {
    const docs = readFileSync(join(repositoryRoot, 'docs/cli.md'), 'utf8');
    const shown = commands.filter(({ hidden }) => !hidden).map(({ path }) => `plinth ${path}`);
    expect(shown.filter((line) => !new RegExp(`${line}[\\s\`]`).test(docs))).toEqual([]);
    for (const code of Object.values(exitCodes)) expect(docs).toMatch(new RegExp(`^\\| ${code} +\\|`, 'm'));
  });

  it('says of each noun what its commands are about', () => {
    const groups = new Set(
      commands.flatMap(({ path }) =>
        path
          .split(' ')
          .slice(0, -1)
          .map((_word, index, all) => all.slice(0, index + 1).join(' ')),
      ),
    );
    expect([...groups].filter((group) => nouns[group] === undefined)).toEqual([]);
  });
});
