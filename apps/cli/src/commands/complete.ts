import type { Command } from 'commander';
import { command } from '../command.js';
import { candidatesFor } from '../completion/candidates.js';
import { namesFor } from '../completion/names.js';
import { wordsOf } from '../completion/words.js';
import type { CommonOptions } from '../options.js';
import { Session } from '../session.js';

interface Options {
  readonly bash?: string;
  readonly line?: string;
}

/** The options of the line that say where to ask. */
const connectionOf = (words: readonly string[]): CommonOptions => {
  const after = (flag: string): string | undefined => words[words.indexOf(flag) + 1];
  const has = (flag: string): boolean => words.indexOf(flag) >= 0 && words.indexOf(flag) < words.length - 2;
  return {
    ...(has('--server') ? { server: after('--server')! } : {}),
    ...(has('--token-file') ? { tokenFile: after('--token-file')! } : {}),
    // In `task create --context URL` it is another thing.
    ...(has('--context') && words.indexOf('--context') === 0 ? { context: after('--context')! } : {}),
  };
};

export default command<Options, [string[]]>({
  describe: (complete: Command) =>
    complete
      .argument('[words...]', 'the words behind plinth; the last one is being typed')
      .option('--bash <word>', 'what bash takes for the last word')
      .option('--line <line>', 'the whole line, instead of words')
      .allowUnknownOption(),

  async run({ io, printer }, { bash, line }, given) {
    const words = line === undefined ? given : wordsOf(line).slice(1);
    const { programFor } = await import('../program.js');
    const { commands, nouns } = await import('./index.js');
    const tree = { entries: commands, nouns, io, version: '', onExit: () => undefined, onOptions: () => undefined };
    const { prefix, candidates, placeholder } = candidatesFor(await programFor(words.slice(0, -1), tree), words);
    const session = new Session(io, connectionOf(words));
    const names = placeholder === undefined ? [] : await namesFor(session, placeholder);
    const all = [...candidates, ...names.map((word) => ({ word, about: '' }))].filter(({ word }) =>
      word.startsWith(prefix),
    );
    if (bash === undefined)
      return printer.lines(all.map(({ word, about }) => (about === '' ? word : `${word}\t${about}`)));
    // A break alone is no beginning of a word.
    const kept = /^[:=]$/.test(bash) ? '' : bash;
    const cut = Math.max(0, prefix.length - kept.length);
    printer.lines(all.map(({ word }) => word.slice(cut)));
  },
});
