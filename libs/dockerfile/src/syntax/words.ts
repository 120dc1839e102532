import { isSpace } from '../text.js';

/** The flags before an instruction's arguments, quotes and escapes resolved, and what follows them. */
export interface Flags {
  readonly flags: readonly string[];
  readonly rest: string;
}

/** BuildKit: parser/split_command.go, extractBuilderFlags. A lone `--` ends the flags. */
export function takeFlags(line: string, escape: string): Flags {
  const flags: string[] = [];
  let position = 0;
  for (;;) {
    while (position < line.length && isSpace(line.charAt(position))) position++;
    if (!line.startsWith('--', position)) return { flags, rest: line.slice(position) };
    let word = '';
    let quote = '';
    for (; position < line.length; position++) {
      let char = line.charAt(position);
      if (quote === '' && isSpace(char)) break;
      if (quote === '' && (char === '"' || char === "'")) quote = char;
      else if (char === quote) quote = '';
      else {
        if (char === escape) {
          if (position + 1 === line.length) break;
          char = line.charAt(++position);
        }
        word += char;
      }
    }
    if (word === '--') return { flags, rest: line.slice(position) };
    flags.push(word);
  }
}

/** Splits at spaces outside quotes; quotes and escapes stay for the expansion. BuildKit: line_parsers.go, parseWords. */
export function quotedWords(text: string, escape: string): string[] {
  const words: string[] = [];
  let position = 0;
  for (;;) {
    while (position < text.length && isSpace(text.charAt(position))) position++;
    if (position === text.length) return words;
    let word = '';
    let quote = '';
    for (; position < text.length; position++) {
      const char = text.charAt(position);
      if (quote === '' && isSpace(char)) break;
      if (char === escape && quote !== "'") {
        if (position + 1 < text.length) word += char + text.charAt(++position);
        continue;
      }
      if (quote === '' && (char === '"' || char === "'")) quote = char;
      else if (char === quote) quote = '';
      word += char;
    }
    if (word !== '') words.push(word);
  }
}

/** One record of comma-separated values as Go's encoding/csv reads it; undefined when its quotes are wrong. */
export function csvFields(text: string): string[] | undefined {
  if (text === '') return undefined;
  const fields: string[] = [];
  let position = 0;
  for (;;) {
    if (text[position] === '"') {
      let field = '';
      for (position++; ; position++) {
        const char = text[position];
        if (char === undefined) return undefined;
        if (char !== '"') field += char;
        else if (text[position + 1] === '"') field += text[position++];
        else break;
      }
      fields.push(field);
      position++;
    } else {
      const comma = text.indexOf(',', position);
      const field = text.slice(position, comma < 0 ? text.length : comma);
      if (field.includes('"')) return undefined;
      fields.push(field);
      position += field.length;
    }
    if (position >= text.length) return fields;
    if (text[position] !== ',') return undefined;
    position++;
  }
}
