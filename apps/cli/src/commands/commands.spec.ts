import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from './index.js';

/** What changes nothing, here or there: it reads, follows, or tries. */
const onlyReads = new Set(
  `show, status, doctor, completion, why, stale, graph, logs, events, diff, export, __complete, inspect dockerfile,
  inspect provenance, import acr,
  registry test, registry show, registry list, task show, task list, task logs, task list-runs, task show-run,
  runs list, runs show, runs logs, runs steps, runs watch, wave list, wave show, wave watch, image list, image show, image history,
  token list, secret list, dead list, ctx list, impact, contains, current, policy list, policy show`.split(/,\s+/),
);
/** Neither: it is Plinth itself, or says that it is reserved. */
const others = new Set(['up', 'run', 'pack']);

const optionsOf = async (path: string): Promise<(string | null | undefined)[]> => {
  const command = new Command(path);
  const { default: definition } = await commands.find((one) => one.path === path)!.load();
  definition.describe?.(command);
  return command.options.map(({ long }) => long);
};

describe('every command', () => {
  it.each(commands.map(({ path }) => path).filter((path) => !others.has(path)))(
    '%s has --dry-run when it changes something, and only then',
    async (path) => {
      expect((await optionsOf(path)).includes('--dry-run')).toBe(!onlyReads.has(path));
    },
  );

  it('is in one list at most', () => {
    const known = new Set(commands.map(({ path }) => path));
    expect([...onlyReads, ...others].filter((path) => !known.has(path))).toEqual([]);
  });
});
