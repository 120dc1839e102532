import { DockerfileError, quote } from '../errors.js';
import type { Instruction } from './parser.js';
import { parse } from './parser.js';
import { outline } from './stages.js';
import { quotedWords } from './words.js';

/**
 * The same Dockerfile, in which these arguments have these values wherever it declares them, as if they had been given as
 * build arguments: `ARG TOKEN` becomes `ARG TOKEN TOKEN='value'`, on the same line, so that what a builder says of lines
 * stays true. For values that are not to be shown on a command line.
 * @throws DockerfileError for a file that cannot be read, a value that no line can hold, and an argument that a trigger
 *   declares, which would carry its value into the image
 */
export function withArgumentValues(text: string, values: Readonly<Record<string, string>>): string {
  const file = parse(text);
  outline(file);
  const { instructions, escape } = file;
  const lines = text.split('\n');
  for (const instruction of instructions) {
    checkTrigger(instruction, escape, values);
    if (instruction.keyword !== 'arg') continue;
    const declared = namesOf(instruction, escape).filter((name) => Object.hasOwn(values, name));
    if (declared.length === 0) continue;
    const at = instruction.lastLine - 1;
    const [, line = '', end = ''] = /^(.*?)(\r*)$/s.exec(lines[at] ?? '') ?? [];
    const given = [...new Set(declared)].map(
      (name) => ` ${name}=${quoted(name, values[name] as string, instruction.line)}`,
    );
    lines[at] = line + given.join('') + end;
  }
  const result = lines.join('\n');
  checkValues(result, values);
  return result;
}

function namesOf({ rest }: Instruction, escape: string): string[] {
  return quotedWords(rest, escape).map((word) => word.split('=', 1)[0] as string);
}

function checkTrigger({ trigger, line }: Instruction, escape: string, values: Readonly<Record<string, string>>): void {
  if (trigger?.keyword !== 'arg') return;
  const name = namesOf(trigger, escape).find((declared) => Object.hasOwn(values, declared));
  if (name === undefined) return;
  throw new DockerfileError(
    'INVALID_ONBUILD',
    line,
    `the value of ${name} cannot be given to ONBUILD ARG without a place on a command line; take it by ARG in the stage that needs it, or as a secret`,
  );
}

/** In single quotes everything stands for itself but the single quote. */
function quoted(name: string, value: string, line: number): string {
  if (/[\r\n\0]/.test(value)) {
    throw new DockerfileError(
      'INVALID_INSTRUCTION',
      line,
      `the value of ${name} has several lines, which ARG cannot hold; take it as a secret: RUN --mount=type=secret,id=${name}`,
    );
  }
  return `'${value.replaceAll("'", `'"'"'`)}'`;
}

/** A continuation that ends in a comment would swallow what was added. */
function checkValues(text: string, values: Readonly<Record<string, string>>): void {
  const { instructions, escape } = parse(text);
  for (const instruction of instructions) {
    if (instruction.keyword !== 'arg') continue;
    const words = quotedWords(instruction.rest, escape);
    for (const name of namesOf(instruction, escape)) {
      if (!Object.hasOwn(values, name)) continue;
      if (words.includes(`${name}=${quoted(name, values[name] as string, instruction.line)}`)) continue;
      throw new DockerfileError(
        'INVALID_INSTRUCTION',
        instruction.line,
        `${quote(instruction.source)} ends in a continuation that nothing follows; end it where it ends`,
      );
    }
  }
}
