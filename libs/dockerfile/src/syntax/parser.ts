import { DockerfileError, quote } from '../errors.js';
import { ExpansionError } from '../expand/index.js';
import { isSpace, trim, trimLeft, trimNewline } from '../text.js';
import { DirectiveReader, escapeOf } from './directives.js';
import { heredocsOf } from './heredoc.js';
import { LineReader, withoutBom } from './lines.js';
import { takeFlags } from './words.js';

/** One instruction, its continuation lines joined. */
export interface Instruction {
  /** In lower case. */
  readonly keyword: string;
  readonly flags: readonly string[];
  /** What follows the flags, trimmed. */
  readonly rest: string;
  /** The arguments, when they are a JSON array of strings. */
  readonly json?: readonly string[];
  /** Where it begins, from 1. */
  readonly line: number;
  /** Where it ends; bodies of heredocs follow. */
  readonly lastLine: number;
  /** The joined text with the bodies of its heredocs, so that an ONBUILD trigger can be parsed again. */
  readonly source: string;
  readonly hasHeredoc: boolean;
  /** What ONBUILD is to do. */
  readonly trigger?: Instruction;
}

export interface ParsedFile {
  readonly instructions: readonly Instruction[];
  readonly escape: '\\' | '`';
}

const JSON_ARGUMENTS = new Set(['add', 'copy', 'run', 'cmd', 'entrypoint', 'shell', 'volume']);
const TAKES_HEREDOCS = new Set(['add', 'copy', 'run']);

/**
 * Splits a Dockerfile into instructions exactly as BuildKit does (frontend/dockerfile/parser/parser.go): directives,
 * byte order mark, comments (also between continuation lines), continuations, heredocs. Linear in the text.
 * @throws DockerfileError
 */
export function parse(text: string): ParsedFile {
  const reader = new LineReader(withoutBom(text));
  const directives = new DirectiveReader();
  const instructions: Instruction[] = [];
  let escape: '\\' | '`' = '\\';

  const clean = (raw: string, first: boolean): string => {
    const line = first ? trimLeft(trimNewline(raw)) : trimNewline(raw);
    if (!directives.done) {
      const directive = directives.read(line, reader.number);
      if (directive?.name === 'escape') escape = escapeOf(directive.value, reader.number);
    }
    return isComment(line) ? '' : line;
  };

  for (let raw = reader.next(); raw !== undefined; raw = reader.next()) {
    const start = reader.number;
    let { line, continues } = continuation(clean(raw, true), escape);
    if (!continues && line === '') continue;
    while (continues) {
      const more = reader.next();
      if (more === undefined) break;
      const cleaned = clean(more, false);
      if (isComment(trimNewline(more)) || trimLeft(cleaned) === '') continue;
      const next = continuation(cleaned, escape);
      line += next.line;
      continues = next.continues;
    }
    instructions.push(withHeredocs(parseInstruction(line, escape, start, reader.number), line, reader));
  }
  if (instructions.length === 0) {
    throw new DockerfileError('NO_INSTRUCTIONS', 0, 'it has no instructions; it needs at least one FROM');
  }
  return { instructions, escape };
}

function isComment(line: string): boolean {
  let start = 0;
  while (start < line.length && isSpace(line.charAt(start))) start++;
  return line[start] === '#';
}

/** The escape character at the end of a line joins the next, unless it is itself escaped; blanks may follow it. */
function continuation(line: string, escape: string): { line: string; continues: boolean } {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--;
  const continues = end > 0 && line[end - 1] === escape && (end === 1 || line[end - 2] !== escape);
  return { line: continues ? line.slice(0, end - 1) : line, continues };
}

function parseInstruction(text: string, escape: string, line: number, lastLine: number): Instruction {
  const trimmed = trim(text);
  const blank = /[\t\v\f\r ]+/.exec(trimmed);
  const keyword = (blank ? trimmed.slice(0, blank.index) : trimmed).toLowerCase();
  const flagged = takeFlags(blank ? trimmed.slice(blank.index + blank[0].length) : '', escape);
  const rest = trim(flagged.rest);
  const json = JSON_ARGUMENTS.has(keyword) ? jsonArguments(rest, keyword, line) : undefined;
  const onbuild = keyword === 'onbuild' && rest !== '';
  // ONBUILD ONBUILD is refused, so looking one level deep is enough, and cannot recurse without end.
  if (onbuild && /^onbuild(?:[\t\v\f\r ]|$)/i.test(rest)) {
    throw new DockerfileError('INVALID_INSTRUCTION', line, 'ONBUILD cannot trigger another ONBUILD; remove one');
  }
  return {
    keyword,
    flags: flagged.flags,
    rest,
    line,
    lastLine,
    source: text,
    hasHeredoc: false,
    ...(json && { json }),
    ...(onbuild && { trigger: parseInstruction(rest, escape, line, lastLine) }),
  };
}

function jsonArguments(rest: string, keyword: string, line: number): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(rest);
  } catch {
    return undefined; // Not JSON: it is then a shell command or a list of words, as in BuildKit.
  }
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new DockerfileError(
    'INVALID_INSTRUCTION',
    line,
    `the JSON array of ${keyword.toUpperCase()} must hold strings alone`,
  );
}

/** Reads past the heredocs of an instruction: their lines are never instructions, whatever they look like. */
function withHeredocs(instruction: Instruction, line: string, reader: LineReader): Instruction {
  const inner = instruction.trigger ?? instruction;
  if (!TAKES_HEREDOCS.has(inner.keyword) || inner.json) return instruction;
  const heredocs = markedHeredocs(line, instruction.line);
  if (heredocs.length === 0) return instruction;
  const source = [line, '\n'];
  for (const { name, chomp } of heredocs) {
    for (;;) {
      const raw = reader.next();
      if (raw === undefined) {
        throw new DockerfileError(
          'UNTERMINATED_HEREDOC',
          instruction.line,
          `its heredoc is not closed: no later line is ${quote(name)} alone`,
        );
      }
      const text = trimNewline(raw);
      if ((chomp ? text.replace(/^\t+/, '') : text) === name) break;
      source.push(raw);
    }
    source.push(name, '\n');
  }
  return { ...instruction, source: source.join(''), hasHeredoc: true };
}

function markedHeredocs(line: string, number: number): ReturnType<typeof heredocsOf> {
  try {
    return heredocsOf(line);
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    throw new DockerfileError(error.code, number, `a heredoc mark cannot be read: ${error.message}`);
  }
}
