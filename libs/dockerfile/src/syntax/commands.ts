import { DockerfileError, quote } from '../errors.js';
import type { Instruction } from './parser.js';
import { csvFields } from './words.js';

/** What of an instruction can bring in an image. Other instructions are checked for their name alone. */
export type Command =
  | { readonly kind: 'copy'; readonly from: string; readonly line: number }
  | { readonly kind: 'run'; readonly mounts: readonly Mount[]; readonly line: number }
  | { readonly kind: 'onbuild'; readonly source: string; readonly line: number };

export interface Mount {
  /** As written; empty when the mount has no `from`. */
  readonly from: string;
  /** Of a type that takes its content from somewhere else than `from`. */
  readonly ignoresFrom: boolean;
}

const INSTRUCTIONS = new Set(
  'add arg cmd copy entrypoint env expose from healthcheck label maintainer onbuild run shell stopsignal user volume workdir'.split(
    ' ',
  ),
);

/**
 * Reads one instruction of a stage; undefined when no image can come of it.
 * @throws DockerfileError
 */
export function parseCommand(instruction: Instruction): Command | undefined {
  const { line } = instruction;
  checkKnown(instruction);
  switch (instruction.keyword) {
    case 'copy': {
      checkPaths(instruction);
      const from = flagValues(instruction, 'from');
      if (from.length > 1) throw invalid(line, 'COPY has --from twice; one instruction copies from one place');
      return from[0] ? { kind: 'copy', from: from[0], line } : undefined;
    }
    case 'add':
      checkPaths(instruction);
      if (flagValues(instruction, 'from').length > 0) throw invalid(line, 'ADD has no --from; use COPY');
      return undefined;
    case 'run': {
      const mounts = flagValues(instruction, 'mount').map((value) => parseMount(value, line));
      return mounts.length > 0 ? { kind: 'run', mounts, line } : undefined;
    }
    case 'onbuild': {
      const { trigger } = instruction;
      if (!trigger) throw invalid(line, 'ONBUILD needs an instruction to trigger');
      checkTrigger(trigger);
      return { kind: 'onbuild', source: instruction.source.replace(/^\s*onbuild\s*/i, ''), line };
    }
    default:
      return undefined;
  }
}

export function checkKnown({ keyword, line }: Instruction): void {
  if (INSTRUCTIONS.has(keyword)) return;
  throw new DockerfileError(
    'UNKNOWN_INSTRUCTION',
    line,
    `${quote(keyword.toUpperCase())} is not an instruction; is it part of a heredoc or a line that lacks a continuation?`,
  );
}

function checkTrigger(trigger: Instruction): void {
  if (['onbuild', 'maintainer', 'from'].includes(trigger.keyword)) {
    throw invalid(trigger.line, `${trigger.keyword.toUpperCase()} cannot be an ONBUILD trigger`);
  }
}

/** The values of a flag that must have one. */
export function flagValues({ flags, keyword, line }: Instruction, name: string): string[] {
  const values: string[] = [];
  for (const flag of flags) {
    if (flag === `--${name}`) {
      throw invalid(line, `--${name} of ${keyword.toUpperCase()} has no value; write --${name}=value`);
    }
    if (flag.startsWith(`--${name}=`)) values.push(flag.slice(name.length + 3));
  }
  return values;
}

function checkPaths({ keyword, rest, json, line }: Instruction): void {
  if (json ? json.length >= 2 : /[\t\v\f\r ]/.test(rest)) return;
  throw invalid(line, `${keyword.toUpperCase()} needs at least a source and a destination`);
}

/** BuildKit: instructions/commands_runmount.go, parseMount, as far as it can be known before the build. */
function parseMount(value: string, line: number): Mount {
  const fields = csvFields(value);
  if (!fields) throw invalid(line, `--mount=${quote(value)} is not a list of key=value pairs`);
  let from = '';
  let type = 'bind';
  for (const field of fields) {
    const equals = field.indexOf('=');
    if (equals < 0) continue;
    const key = field.slice(0, equals).toLowerCase();
    const text = field.slice(equals + 1);
    if (key === 'type') type = text.toLowerCase();
    if (key !== 'from') continue;
    if (/\$./.test(text)) throw variableInFrom(line, `RUN --mount=from=${text}`);
    from = text;
  }
  return { from, ignoresFrom: ['tmpfs', 'secret', 'ssh'].includes(type) };
}

export function variableInFrom(line: number, written: string): DockerfileError {
  return new DockerfileError(
    'VARIABLE_IN_FROM',
    line,
    `variables are not expanded in ${quote(written)}; give the image a stage name by a FROM of its own, and use that name`,
  );
}

function invalid(line: number, reason: string): DockerfileError {
  return new DockerfileError('INVALID_INSTRUCTION', line, reason);
}
