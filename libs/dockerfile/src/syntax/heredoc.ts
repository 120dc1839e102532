import { Budget, ExpansionError, lex } from '../expand/index.js';
import { trimLeft } from '../text.js';

export interface Heredoc {
  readonly name: string;
  /** `<<-`: tabs before the end word are ignored. */
  readonly chomp: boolean;
}

const NO_VARIABLES: ReadonlyMap<string, string> = new Map();
const MARK = /^\d*<<(-?)/;

/**
 * The heredocs that a RUN, COPY or ADD line opens, in order. BuildKit splits the line with its shell lexer and looks at
 * each word, so `"<<EOF"` in quotes is none, `x<<EOF` is none, and a line that the lexer cannot read has none at all:
 * all decide which of the following lines are instructions.
 * @throws ExpansionError when an end word has unbalanced quotes
 */
export function heredocsOf(line: string): Heredoc[] {
  if (!line.includes('<<')) return [];
  const heredocs: Heredoc[] = [];
  for (const word of wordsOf(line)) {
    const mark = MARK.exec(word);
    // Cut, not matched: a pattern for the blanks and the rest would try every way to share them out.
    const end = mark ? trimLeft(word.slice(mark[0].length)) : '';
    if (!mark || end === '' || end.includes('<')) continue;
    const { words } = lex(end, NO_VARIABLES, { escape: '\\', skipUnset: true, maxLength: Infinity });
    if (words.length === 1) heredocs.push({ name: words[0] as string, chomp: mark[1] === '-' });
  }
  return heredocs;
}

function wordsOf(line: string): readonly string[] {
  try {
    return lex(line, NO_VARIABLES, {
      escape: '\\',
      rawQuotes: true,
      rawEscapes: true,
      skipUnset: true,
      maxLength: Infinity,
      budget: new Budget(Infinity), // Nothing is set, so the result is never longer than the line.
    }).words;
  } catch (error) {
    if (error instanceof ExpansionError && error.code === 'INVALID_EXPANSION') return [];
    throw error;
  }
}
