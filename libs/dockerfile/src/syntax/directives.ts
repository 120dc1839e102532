import { DockerfileError, quote } from '../errors.js';
import { trimLeft, trimNewline } from '../text.js';
import { withoutBom } from './lines.js';

interface Directive {
  readonly name: string;
  readonly value: string;
}

const KNOWN = new Set(['syntax', 'escape', 'check']);
const NAME = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=/;

/**
 * The directives at the top of a file, line by line (BuildKit: frontend/dockerfile/parser/directives.go). The first
 * line that is not a known `# key=value` ends them for good.
 */
export class DirectiveReader {
  #done = false;
  readonly #seen = new Set<string>();
  constructor(readonly comment: '#' | '//' = '#') {}

  get done(): boolean {
    return this.#done;
  }

  /** @throws DockerfileError DUPLICATE_DIRECTIVE */
  read(line: string, lineNumber: number): Directive | undefined {
    if (this.#done) return undefined;
    const directive = line.startsWith(this.comment) ? parseDirective(line.slice(this.comment.length)) : undefined;
    if (!directive) {
      this.#done = true;
      return undefined;
    }
    if (this.#seen.has(directive.name)) {
      throw new DockerfileError(
        'DUPLICATE_DIRECTIVE',
        lineNumber,
        `there is a second "# ${directive.name}=" directive; keep one`,
      );
    }
    this.#seen.add(directive.name);
    return directive;
  }
}

function parseDirective(comment: string): Directive | undefined {
  const text = trimLeft(comment);
  const match = NAME.exec(text);
  const name = match?.[1]?.toLowerCase();
  if (!match || name === undefined || !KNOWN.has(name)) return undefined;
  const raw = text.slice(match[0].length);
  if (raw === '') return undefined;
  return { name, value: trimBlanks(raw) };
}

function trimBlanks(text: string): string {
  const blank = (char: string | undefined) => char !== undefined && '\t\n\f\r '.includes(char);
  let start = 0;
  let end = text.length;
  while (start < end && blank(text[start])) start++;
  while (end > start && blank(text[end - 1])) end--;
  return text.slice(start, end);
}

/** The escape character that a `# escape=` directive sets. @throws DockerfileError INVALID_ESCAPE */
export function escapeOf(value: string, line: number): '\\' | '`' {
  if (value === '\\' || value === '`') return value;
  throw new DockerfileError(
    'INVALID_ESCAPE',
    line,
    `"# escape=" must be a backslash or a backtick, not ${quote(value)}`,
  );
}

/** The image that interprets the file, as its `syntax` directive says. */
export interface SyntaxDirective {
  readonly image: string;
  /** From 1; 0 when a build argument says it. */
  readonly line: number;
}

/**
 * Finds `# syntax=image`, `// syntax=image` or a JSON object with a `syntax`, as BuildKit's DetectSyntax does: a byte
 * order mark and one `#!` line come before, only the first word of the value is the image, and a mistake in the
 * directives is not an error here (the parser makes it one).
 */
export function detectSyntax(text: string): SyntaxDirective | undefined {
  let body = withoutBom(text);
  let skipped = 0;
  if (body.startsWith('#!')) {
    const newline = body.indexOf('\n');
    body = newline < 0 ? '' : body.slice(newline + 1);
    skipped = 1;
  }
  return syntaxIn(body, '#', skipped) ?? syntaxIn(body, '//', skipped) ?? jsonSyntax(body, skipped);
}

function syntaxIn(body: string, comment: '#' | '//', skipped: number): SyntaxDirective | undefined {
  const seen = new Set<string>();
  let position = 0;
  for (let line = skipped + 1; position < body.length; line++) {
    const newline = body.indexOf('\n', position);
    const end = newline < 0 ? body.length : newline;
    const text = trimNewline(body.slice(position, end));
    const directive = text.startsWith(comment) ? parseDirective(text.slice(comment.length)) : undefined;
    if (!directive || seen.has(directive.name)) return undefined;
    if (directive.name === 'syntax') return firstWord(directive.value, line);
    seen.add(directive.name);
    position = end + 1;
  }
  return undefined;
}

function jsonSyntax(body: string, skipped: number): SyntaxDirective | undefined {
  if (!trimLeft(body).startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined; // Not JSON, so no directive: the parser will say what is wrong with the file.
  }
  const syntax = typeof value === 'object' && value !== null && 'syntax' in value ? value.syntax : undefined;
  return typeof syntax === 'string' && syntax !== '' ? { image: syntax, line: skipped + 1 } : undefined;
}

/** The image of a value such as `docker/dockerfile:1 --flag`; none when the value is blank. */
export function firstWord(value: string, line: number): SyntaxDirective | undefined {
  const image = value.trim().split(' ', 1)[0];
  return image ? { image, line } : undefined;
}
