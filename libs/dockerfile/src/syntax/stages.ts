import { DockerfileError, quote } from '../errors.js';
import { splitBlanks } from '../text.js';
import type { Command } from './commands.js';
import { checkKnown, flagValues, parseCommand } from './commands.js';
import type { Instruction, ParsedFile } from './parser.js';
import { quotedWords } from './words.js';

/** A build stage as it is written, nothing expanded. */
export interface Stage {
  readonly index: number;
  /** In lower case; empty when it has none. */
  readonly name: string;
  readonly base: string;
  /** Of `FROM --platform`; empty when there is none. */
  readonly platform: string;
  readonly line: number;
  readonly commands: readonly Command[];
}

export interface GlobalArg {
  readonly name: string;
  /** As written, with its quotes; undefined when the ARG has no default. */
  readonly value: string | undefined;
  readonly line: number;
}

export interface Outline {
  readonly globalArgs: readonly GlobalArg[];
  readonly stages: readonly Stage[];
}

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

/**
 * The stages of a file and the ARGs before the first FROM, the only ones that FROM can see.
 * BuildKit: instructions/parse.go.
 * @throws DockerfileError
 */
export function outline({ instructions, escape }: ParsedFile): Outline {
  const globalArgs: GlobalArg[] = [];
  const stages: Stage[] = [];
  let commands: Command[] = [];
  for (const instruction of instructions) {
    if (instruction.keyword === 'from') {
      commands = [];
      stages.push(parseFrom(instruction, stages.length, commands));
    } else if (instruction.keyword === 'arg') {
      const args = parseArg(instruction, escape);
      if (stages.length === 0) globalArgs.push(...args);
    } else {
      const command = parseCommand(instruction);
      if (stages.length === 0) {
        throw new DockerfileError(
          'INSTRUCTION_BEFORE_FROM',
          instruction.line,
          `${instruction.keyword.toUpperCase()} comes before the first FROM, where only ARG can stand`,
        );
      }
      if (command) commands.push(command);
    }
  }
  if (stages.length === 0) throw new DockerfileError('NO_STAGES', 0, 'it has no FROM, so there is nothing to build');
  return { globalArgs, stages };
}

function parseFrom(instruction: Instruction, index: number, commands: readonly Command[]): Stage {
  const { line, rest, flags } = instruction;
  const [base = '', as, alias, ...more] = rest === '' ? [] : splitBlanks(rest);
  const isNamed = as?.toLowerCase() === 'as' && alias !== undefined && more.length === 0;
  if (base === '' || (as !== undefined && !isNamed)) {
    throw new DockerfileError('INVALID_INSTRUCTION', line, 'FROM takes an image, or an image AS a stage name');
  }
  const name = isNamed ? alias.toLowerCase() : '';
  if (isNamed && !STAGE_NAME.test(name)) {
    throw new DockerfileError(
      'INVALID_STAGE_NAME',
      line,
      `${quote(alias)} cannot be a stage name: it must begin with a letter and go on with letters, digits, "-", "_" or "."`,
    );
  }
  const platforms = flagValues(instruction, 'platform');
  if (platforms.length !== flags.length || platforms.length > 1) {
    throw new DockerfileError('INVALID_INSTRUCTION', line, 'FROM takes no flag but --platform, and that once');
  }
  return { index, name, base, platform: platforms[0] ?? '', line, commands };
}

function parseArg(instruction: Instruction, escape: string): GlobalArg[] {
  checkKnown(instruction);
  const { line, rest } = instruction;
  const words = quotedWords(rest, escape);
  if (words.length === 0) throw new DockerfileError('INVALID_INSTRUCTION', line, 'ARG needs a name');
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals === 0) throw new DockerfileError('INVALID_INSTRUCTION', line, `ARG ${quote(word)} has no name`);
    if (equals < 0) return { name: word, value: undefined, line };
    return { name: word.slice(0, equals), value: word.slice(equals + 1), line };
  });
}
