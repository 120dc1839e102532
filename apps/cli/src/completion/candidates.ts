import type { Argument, Command, Option } from 'commander';

export interface Candidate {
  readonly word: string;
  readonly about: string;
}

export interface Question {
  /** The word that is being typed begins so. */
  readonly prefix: string;
  readonly candidates: readonly Candidate[];
  /** A name of this kind from the server could stand here: `task`, `run` … */
  readonly placeholder: string | undefined;
}

/** `-n, --name <task>` → `task`. */
const placeholderOf = ({ flags }: Option): string | undefined => /[<[]([a-z-]+)/.exec(flags)?.[1];
const plain = (words: readonly string[] | undefined): Candidate[] => (words ?? []).map((word) => ({ word, about: '' }));

const optionOf = (commands: readonly Command[], flag: string): Option | undefined =>
  commands.flatMap(({ options }) => options).find((option) => option.short === flag || option.long === flag);

/** What could stand at the end of a line, by the tree alone. Pure: names come from elsewhere. */
export const candidatesFor = (program: Command, words: readonly string[]): Question => {
  const line: Command[] = [program];
  let args: readonly Argument[] = [];
  let taken = 0;
  let pending: Option | undefined;
  for (const word of words.slice(0, -1)) {
    const at = line.at(-1)!;
    if (pending) {
      pending = undefined;
    } else if (word.startsWith('-')) {
      const option = word.includes('=') ? undefined : optionOf(line, word);
      if (option?.required) pending = option;
    } else {
      const next = at.commands.find((one) => one.name() === word);
      if (next) {
        line.push(next);
        args = next.registeredArguments;
        taken = 0;
      } else taken += 1;
    }
  }
  const at = line.at(-1)!;
  const last = words.at(-1) ?? '';
  const [, flag, value] = /^(--[a-z-]+)=(.*)$/.exec(last) ?? [];
  const option = pending ?? (flag === undefined ? undefined : optionOf(line, flag));
  if (option) {
    const prefix = pending ? last : (value ?? '');
    const candidates = plain(option.argChoices).map(({ word, about }) => ({
      word: pending ? word : `${flag}=${word}`,
      about,
    }));
    return { prefix: pending ? prefix : last, candidates, placeholder: pending ? placeholderOf(option) : undefined };
  }
  if (last.startsWith('-')) {
    const options = line.flatMap((one) => one.options).filter(({ hidden, long }) => !hidden && long);
    const unique = new Map(options.map(({ long, description }) => [long!, description]));
    unique.set('--help', 'show help');
    return { prefix: last, candidates: [...unique].map(([word, about]) => ({ word, about })), placeholder: undefined };
  }
  if (at.commands.length > 0) {
    const shown = at
      .createHelp()
      .visibleCommands(at)
      .filter((one) => one.name() !== 'help');
    return {
      prefix: last,
      candidates: shown.map((one) => ({ word: one.name(), about: one.description() })),
      placeholder: undefined,
    };
  }
  const argument = args[Math.min(taken, args.length - 1)];
  const fits = argument !== undefined && (taken < args.length || argument.variadic);
  return {
    prefix: last,
    candidates: fits ? plain(argument.argChoices) : [],
    placeholder: fits ? argument.name() : undefined,
  };
};
