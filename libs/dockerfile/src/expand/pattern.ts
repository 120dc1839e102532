import type { Budget } from './budget.js';
import { ExpansionError } from './budget.js';

/**
 * The patterns of `${X#p}`, `${X%p}` and `${X/p/r}`: `*` is any run of characters, `?` is one, `\*`, `\?` and `\\` are
 * themselves; there are no bracket expressions. BuildKit turns them into regular expressions for Go's linear engine.
 * JavaScript's backtracks, and `*a*a*a*b` would stall it, so matching here walks the set of reachable positions:
 * at most pattern length × text length steps, charged to the budget.
 */
type Token = { readonly kind: 'star' } | { readonly kind: 'any' } | { readonly kind: 'char'; readonly char: string };

const STAR: Token = { kind: 'star' };
const ANY: Token = { kind: 'any' };

/** `${value#pattern}` (shortest) and `${value##pattern}` (longest). @throws ExpansionError */
export function trimPrefix(value: string, pattern: string, longest: boolean, budget: Budget): string {
  const chars = Array.from(value);
  const end = matchEnd(parsePattern(pattern), chars, 0, longest, new Uint8Array(chars.length + 2), budget);
  return end === undefined ? value : chars.slice(end).join('');
}

/** `${value%pattern}` and `${value%%pattern}`: the prefix rule on both texts turned around. @throws ExpansionError */
export function trimSuffix(value: string, pattern: string, longest: boolean, budget: Budget): string {
  const chars = Array.from(value).reverse();
  const tokens = parsePattern(pattern).reverse();
  const end = matchEnd(tokens, chars, 0, longest, new Uint8Array(chars.length + 2), budget);
  return end === undefined ? value : chars.slice(end).reverse().join('');
}

/** `${value/pattern/replacement}`, and `${value//pattern/replacement}` with `all`. @throws ExpansionError */
export function replace(value: string, pattern: string, replacement: string, all: boolean, budget: Budget): string {
  const chars = Array.from(value);
  const tokens = parsePattern(pattern);
  const starts = possibleStarts(tokens, chars, budget);
  const reached = new Uint8Array(chars.length + 2);
  const next = (from: number): [number, number] | undefined => {
    const start = starts.indexOf(1, from);
    if (start < 0) return undefined;
    const end = matchEnd(tokens, chars, start, true, reached, budget);
    return end === undefined ? undefined : [start, end];
  };
  if (!all) {
    const found = next(0);
    if (!found) return value;
    return chars.slice(0, found[0]).join('') + replacement + chars.slice(found[1]).join('');
  }
  let out = '';
  let copied = 0;
  for (let search = 0; search <= chars.length;) {
    const found = next(search);
    if (!found) break;
    const [start, end] = found;
    out += chars.slice(copied, start).join('');
    // As Go's ReplaceAllString: an empty match that touches the one before does not count.
    if (end > copied || start === 0) out += goTemplate(replacement, chars.slice(start, end).join(''));
    budget.spend(replacement.length + 1);
    copied = end;
    search = Math.max(end, search + 1);
  }
  return out + chars.slice(copied).join('');
}

function parsePattern(pattern: string): Token[] {
  const chars = Array.from(pattern);
  const tokens: Token[] = [];
  for (let i = 0; i < chars.length; i++) {
    let char = chars[i] as string;
    if (char === '*') tokens.push(STAR);
    else if (char === '?') tokens.push(ANY);
    else {
      if (char === '\\') {
        const escaped = chars[++i];
        // `\}` and `\/` only kept the character from ending the expression.
        if (escaped === undefined || !'}/*?\\'.includes(escaped)) {
          throw new ExpansionError(
            'INVALID_EXPANSION',
            `the pattern ${JSON.stringify(pattern.slice(0, 100))} has a backslash before ${
              escaped === undefined ? 'its end' : JSON.stringify(escaped)
            }; only \\*, \\? and \\\\ can be escaped`,
          );
        }
        char = escaped;
      }
      tokens.push({ kind: 'char', char });
    }
  }
  return tokens;
}

function matches(token: Token, char: string | undefined): boolean {
  if (char === undefined) return false;
  return token.kind === 'char' ? token.char === char : char !== '\n';
}

/**
 * Where a match that begins at `start` ends, the shortest or the longest. `reached[i]` is 1 when the tokens so far can
 * end at i; only the window from `low` to `high` can hold ones. It is all zero before and after.
 */
function matchEnd(
  tokens: readonly Token[],
  chars: readonly string[],
  start: number,
  longest: boolean,
  reached: Uint8Array,
  budget: Budget,
): number | undefined {
  let low = start;
  let high = start;
  reached[start] = 1;
  for (const token of tokens) {
    budget.spend(high - low + 1);
    if (token.kind === 'star') {
      let run = false;
      let i = low;
      for (; i <= chars.length; i++) {
        if (reached[i] === 1) run = true;
        if (run) {
          reached[i] = 1;
          high = Math.max(high, i);
        } else if (i > high) break;
        if (chars[i] === '\n') run = false;
      }
      budget.spend(i - low);
    } else {
      for (let i = high; i >= low; i--) {
        reached[i + 1] = reached[i] === 1 && matches(token, chars[i]) ? 1 : 0;
      }
      reached[low] = 0;
      low++;
      high++;
    }
    while (low <= high && reached[low] === 0) low++;
    while (high >= low && reached[high] === 0) high--;
    if (low > high) return undefined;
  }
  const end = longest ? high : low;
  reached.fill(0, low, high + 1);
  return end;
}

/** For each position whether a match can begin there. */
function possibleStarts(tokens: readonly Token[], chars: readonly string[], budget: Budget): Uint8Array {
  const row = new Uint8Array(chars.length + 1).fill(1);
  for (const token of tokens.toReversed()) {
    budget.spend(chars.length + 1);
    if (token.kind === 'star') {
      for (let i = chars.length - 1; i >= 0; i--) if (row[i + 1] === 1 && chars[i] !== '\n') row[i] = 1;
    } else {
      for (let i = 0; i <= chars.length; i++) row[i] = row[i + 1] === 1 && matches(token, chars[i]) ? 1 : 0;
    }
  }
  return row;
}

/** Go expands `$0` and `$$` in the replacement of all matches; other groups do not exist and give nothing. */
function goTemplate(replacement: string, match: string): string {
  return replacement.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole: string, braced?: string, bare?: string) => {
    if (whole === '$$') return '$';
    return (braced ?? bare) === '0' ? match : '';
  });
}
