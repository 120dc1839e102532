import type { Budget } from './budget.js';
import { lex } from './lexer.js';

export { Budget, ExpansionError } from './budget.js';
export { lex } from './lexer.js';

/**
 * Expands one word as BuildKit does in FROM, ARG and `--platform`: quotes, escapes, `$X`, `${X}`, `${X:-d}`, `${X-d}`,
 * `${X:+d}`, `${X+d}`, `${X:?e}`, `${X?e}`, `${X#p}`, `${X##p}`, `${X%p}`, `${X%%p}`, `${X/p/r}`, `${X//p/r}`, nested.
 * An unset variable is empty. Characters, depth and work are bounded, see limits.ts.
 * @throws ExpansionError INVALID_EXPANSION, EXPANSION_TOO_LARGE
 */
export function expandWord(
  word: string,
  env: ReadonlyMap<string, string>,
  escape: '\\' | '`' = '\\',
  budget?: Budget,
): string {
  return lex(word, env, { escape, ...(budget && { budget }) }).word;
}
