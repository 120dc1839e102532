import { DockerfileError, isDockerfileError, quote } from '../errors.js';
import { MAX_FILE_BYTES, MAX_TRIGGERS } from '../limits.js';
import type { Command } from '../syntax/commands.js';
import { parseCommand } from '../syntax/commands.js';
import { parse } from '../syntax/parser.js';

/**
 * Parses the text of one ONBUILD trigger, which is an instruction in a file of its own: with the default escape
 * character, whatever the file said. Its place is the FROM that brought it. BuildKit: convert.go, initOnBuildTriggers.
 * @throws DockerfileError INVALID_ONBUILD
 */
export function parseTrigger(text: string, line: number): Command | undefined {
  try {
    const [instruction, ...more] = parse(text).instructions;
    if (!instruction || more.length > 0) throw invalid(line, text, 'it must be a single instruction');
    if (instruction.keyword === 'from') throw invalid(line, text, 'it cannot be a FROM');
    const command = parseCommand(instruction);
    return command && { ...command, line };
  } catch (error) {
    if (!isDockerfileError(error) || error.code === 'INVALID_ONBUILD') throw error;
    throw invalid(line, text, error.reason);
  }
}

/** Refuses triggers that no real image has: they too come from strangers. @throws DockerfileError INVALID_ONBUILD */
export function checkTriggers(triggers: readonly string[], reference: string): void {
  const size = triggers.reduce((sum, text) => sum + text.length, 0);
  if (triggers.length > MAX_TRIGGERS || size > MAX_FILE_BYTES) {
    throw new DockerfileError(
      'INVALID_ONBUILD',
      0,
      `the base image ${reference} has more than ${MAX_TRIGGERS} ONBUILD triggers, or more than ${MAX_FILE_BYTES} bytes of them`,
    );
  }
}

function invalid(line: number, text: string, reason: string): DockerfileError {
  return new DockerfileError(
    'INVALID_ONBUILD',
    line,
    `the base has an ONBUILD trigger ${quote(text)} that cannot be used: ${reason}`,
  );
}
