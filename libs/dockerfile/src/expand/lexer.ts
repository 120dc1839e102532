import { MAX_EXPANDED_LENGTH, MAX_EXPANSION_DEPTH } from '../limits.js';
import { isSpace } from '../text.js';
import { Budget, ExpansionError } from './budget.js';
import { replace, trimPrefix, trimSuffix } from './pattern.js';

export interface LexOptions {
  /** The file's escape character, `\` or a backtick. */
  readonly escape: string;
  /** Keeps quotes in the result. */
  readonly rawQuotes?: boolean;
  /** Keeps escape characters in the result. */
  readonly rawEscapes?: boolean;
  /** Leaves unset variables as they are written. */
  readonly skipUnset?: boolean;
  readonly maxLength?: number;
  readonly budget?: Budget;
}

export interface LexResult {
  readonly word: string;
  /** The result split at the spaces that are not quoted. */
  readonly words: readonly string[];
  /** Names that were asked for and are not set. */
  readonly unset: ReadonlySet<string>;
}

/**
 * Expands a word by the rules of BuildKit's shell lexer (frontend/dockerfile/shell/lex.go): its quirks included,
 * because what it makes of a word is what will be pulled.
 * @throws ExpansionError
 */
export function lex(text: string, env: ReadonlyMap<string, string>, options: LexOptions): LexResult {
  return new Lexer(text, env, options).run();
}

const LETTER = /^\p{L}$/u;
const DIGIT = /^\p{Nd}$/u;
const SPECIAL_PARAMETERS = new Set(['@', '*', '#', '?', '-', '$', '!', '0']);

class Lexer {
  readonly #chars: string[];
  readonly #budget: Budget;
  readonly #maxLength: number;
  readonly #unset = new Set<string>();
  #position = 0;
  #depth = 0;
  #rawEscapes: boolean;

  constructor(
    text: string,
    readonly env: ReadonlyMap<string, string>,
    readonly options: LexOptions,
  ) {
    this.#chars = Array.from(text);
    this.#budget = options.budget ?? new Budget();
    this.#maxLength = options.maxLength ?? MAX_EXPANDED_LENGTH;
    this.#rawEscapes = options.rawEscapes ?? false;
  }

  run(): LexResult {
    const words = new Words();
    const word = this.#until(undefined, this.#rawEscapes, words);
    return { word, words: words.finish(), unset: this.#unset };
  }

  #peek(): string | undefined {
    return this.#chars[this.#position];
  }

  #next(): string | undefined {
    return this.#chars[this.#position++];
  }

  /** Everything up to `stop`, which is consumed, or to the end of the text when there is none. */
  #until(stop: string | undefined, rawEscapes: boolean, words?: Words): string {
    if (++this.#depth > MAX_EXPANSION_DEPTH) {
      throw new ExpansionError('EXPANSION_TOO_LARGE', `its variables nest deeper than ${MAX_EXPANSION_DEPTH} levels`);
    }
    const outer = this.#rawEscapes;
    this.#rawEscapes = rawEscapes;
    let result = '';
    for (let char = this.#peek(); char !== undefined; char = this.#peek()) {
      if (char === stop) {
        this.#next();
        this.#depth--;
        this.#rawEscapes = outer;
        return result;
      }
      let piece: string;
      if (char === '$') {
        piece = this.#dollar();
        words?.addText(piece);
      } else if (char === "'" || char === '"' || char === '<') {
        piece = char === "'" ? this.#singleQuoted() : char === '"' ? this.#doubleQuoted() : this.#heredocMark();
        words?.addRaw(piece);
      } else {
        this.#next();
        piece = char;
        if (char === this.options.escape) {
          const escaped = this.#next();
          piece = (this.#rawEscapes ? char : '') + (escaped ?? '');
          if (piece !== '') words?.addRaw(piece);
        } else {
          words?.addChar(char);
        }
      }
      result += this.#charge(piece, result.length);
    }
    if (stop !== undefined) throw invalid(`a ${JSON.stringify(stop)} is missing at the end of an expansion`);
    this.#depth--;
    this.#rawEscapes = outer;
    return result;
  }

  #charge(piece: string, length: number): string {
    this.#budget.spend(piece.length + 1);
    if (length + piece.length > this.#maxLength) {
      throw new ExpansionError('EXPANSION_TOO_LARGE', `it expands to more than ${this.#maxLength} characters`);
    }
    return piece;
  }

  #singleQuoted(): string {
    const open = this.#next() as string;
    const close = this.#chars.indexOf("'", this.#position);
    if (close < 0) throw invalid('a single quote is not closed');
    const inside = this.#chars.slice(this.#position, close).join('');
    this.#position = close + 1;
    return this.options.rawQuotes ? open + inside + open : inside;
  }

  #doubleQuoted(): string {
    const quotes = this.options.rawQuotes ? '"' : '';
    let result = quotes;
    this.#next();
    for (let char = this.#peek(); char !== undefined; char = this.#peek()) {
      if (char === '"') {
        this.#next();
        return result + quotes;
      }
      if (char === '$') {
        result += this.#charge(this.#dollar(), result.length);
        continue;
      }
      this.#next();
      if (char !== this.options.escape) {
        result += char;
        continue;
      }
      if (this.#rawEscapes) result += char;
      const escaped = this.#peek();
      // Only the quote, the dollar and the escape character itself can be escaped here; a last escape is dropped.
      if (escaped === '"' || escaped === '$' || escaped === this.options.escape) result += this.#next() as string;
      else if (escaped !== undefined) result += char;
    }
    throw invalid('a double quote is not closed');
  }

  /** `<<  EOF` is one word: blanks after the mark belong to it. */
  #heredocMark(): string {
    this.#next();
    if (this.#peek() !== '<') return '<';
    this.#next();
    let mark = '<<';
    for (let char = this.#peek(); char !== undefined && isSpace(char); char = this.#peek()) {
      mark += char;
      this.#next();
    }
    return mark;
  }

  #dollar(): string {
    this.#next();
    if (this.#peek() !== '{') {
      const name = this.#name();
      if (name === '') return '$';
      return this.#get(name) ?? (this.options.skipUnset ? `$${name}` : '');
    }
    this.#next();
    const first = this.#peek();
    if (first === undefined) throw invalid('a "}" is missing after "${"');
    if (first === '{' || first === '}' || first === ':') throw invalid(`"\${${first}" is not a substitution`);
    const name = this.#name();
    let operator = this.#next() ?? '';
    if (operator === '}') return this.#get(name) ?? (this.options.skipUnset ? `\${${name}}` : '');
    if (operator === '/') return this.#replacement(name);
    let written = operator;
    const emptyIsUnset = operator === ':';
    if (emptyIsUnset) {
      operator = this.#next() ?? '';
      written += operator;
    }
    if (emptyIsUnset || ['+', '-', '?', '#', '%'].includes(operator)) {
      return this.#operation(name, operator, written, emptyIsUnset);
    }
    throw invalid(operator === '' ? 'a "}" is missing after "${"' : `${JSON.stringify(written)} is not an operator`);
  }

  #operation(name: string, operator: string, written: string, emptyIsUnset: boolean): string {
    const trims = operator === '#' || operator === '%';
    // The word is expanded before it is known whether it is wanted: an error in an unused default is an error.
    const word = this.#until('}', trims);
    const value = this.#get(name);
    if (value === undefined && this.options.skipUnset) return `\${${name}${written}${word}}`;
    const missing = value === undefined || (emptyIsUnset && value === '');
    switch (operator) {
      case '-':
        return missing ? word : value;
      case '+':
        return missing ? '' : word;
      case '?':
        if (!missing) return value;
        throw invalid(`${name}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`);
      case '#':
      case '%': {
        const longest = word.startsWith(operator);
        const trimValue = operator === '#' ? trimPrefix : trimSuffix;
        return trimValue(value ?? '', longest ? word.slice(1) : word, longest, this.#budget);
      }
      default:
        throw invalid(`${JSON.stringify(written)} is not an operator`);
    }
  }

  #replacement(name: string): string {
    const all = this.#peek() === '/';
    if (all) this.#next();
    const pattern = this.#until('/', true);
    const replacement = this.#until('}', true);
    const value = this.#get(name);
    if (value === undefined && this.options.skipUnset) return `\${${name}/${pattern}/${replacement}}`;
    return replace(value ?? '', pattern, replacement, all, this.#budget);
  }

  #get(name: string): string | undefined {
    const value = this.env.get(name);
    if (value === undefined) this.#unset.add(name);
    return value;
  }

  /** Letters, digits and `_`; or digits alone; or one of the shell's special parameters. */
  #name(): string {
    let name = '';
    for (let char = this.#peek(); char !== undefined; char = this.#peek()) {
      if (name === '' && DIGIT.test(char)) {
        for (let digit = this.#peek(); digit !== undefined && DIGIT.test(digit); digit = this.#peek()) {
          name += this.#next();
        }
        return name;
      }
      if (name === '' && SPECIAL_PARAMETERS.has(char)) return this.#next() as string;
      if (char !== '_' && !LETTER.test(char) && !DIGIT.test(char)) break;
      name += this.#next();
    }
    return name;
  }
}

class Words {
  readonly #words: string[] = [];
  #word = '';
  #inWord = false;

  addChar(char: string): void {
    if (!isSpace(char)) this.addRaw(char);
    else if (this.#inWord && this.#word !== '') this.#end();
  }

  addText(text: string): void {
    for (const char of text) this.addChar(char);
  }

  addRaw(text: string): void {
    this.#word += text;
    this.#inWord = true;
  }

  finish(): string[] {
    if (this.#word !== '') this.#end();
    return this.#words;
  }

  #end(): void {
    this.#words.push(this.#word);
    this.#word = '';
    this.#inWord = false;
  }
}

function invalid(message: string): ExpansionError {
  return new ExpansionError('INVALID_EXPANSION', message);
}
