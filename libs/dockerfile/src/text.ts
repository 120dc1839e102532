/** Go's unicode.IsSpace, which decides what BuildKit trims; JavaScript's \s has U+FEFF more and U+0085 less. */
const SPACE = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

export function isSpace(char: string): boolean {
  return char <= ' ' ? char === ' ' || (char >= '\t' && char <= '\r') : char >= '\u0085' && SPACE.test(char);
}

export function trimLeft(text: string): string {
  let start = 0;
  while (start < text.length && isSpace(text.charAt(start))) start++;
  return text.slice(start);
}

export function trim(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text.charAt(end - 1))) end--;
  return trimLeft(text.slice(0, end));
}

/** Without the line ending, which may be \n, \r\n or several \r. */
export function trimNewline(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === '\n' || text[end - 1] === '\r')) end--;
  return text.slice(0, end);
}

/** Splits at runs of ASCII blanks, as BuildKit splits arguments: a no-break space is part of a word. */
export function splitBlanks(text: string): string[] {
  return text.split(/[\t\v\f\r ]+/);
}
