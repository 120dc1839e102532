import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget, ExpansionError, expandWord } from './index.js';

const env = new Map([
  ['X', 'value'],
  ['EMPTY', ''],
  ['TAG', '1.2.3-alpine'],
  ['PATH_', 'a/b/c/b'],
  ['_n1', 'under'],
  ['STAR', 'a*c'],
]);

const table: readonly [rule: string, word: string, result: string][] = [
  ['a plain word is itself', 'node:22', 'node:22'],
  ['$X is its value', 'n:$X', 'n:value'],
  ['a name ends where letters, digits and _ end', '$X-y$X.z', 'value-yvalue.z'],
  ['names may begin with _ and hold digits', '$_n1', 'under'],
  ['${X} is its value', '${X}y', 'valuey'],
  ['an unset variable is empty', 'a${NOPE}b$NOPE', 'ab'],
  ['a $ without a name is itself', 'a$ $. $', 'a$ $. $'],
  ['$1 is a name of digits alone', '$1x', 'x'],
  ['$@ is a special parameter, never set', '$@x', 'x'],
  ['${X:-d} is the value when set', '${X:-d}', 'value'],
  ['${X:-d} is the default when empty', '${EMPTY:-d}', 'd'],
  ['${X:-d} is the default when unset', '${NOPE:-d}', 'd'],
  ['${X-d} keeps an empty value', '${EMPTY-d}', ''],
  ['${X-d} is the default when unset', '${NOPE-d}', 'd'],
  ['${X:+d} is the word when set', '${X:+d}', 'd'],
  ['${X:+d} is nothing when empty', '${EMPTY:+d}', ''],
  ['${X+d} is the word when empty', '${EMPTY+d}', 'd'],
  ['${X+d} is nothing when unset', '${NOPE+d}', ''],
  ['${X:?e} is the value when set', '${X:?e}', 'value'],
  ['${X?e} accepts an empty value', '${EMPTY?e}', ''],
  ['${X#p} cuts the shortest prefix', '${TAG#*.}', '2.3-alpine'],
  ['${X##p} cuts the longest prefix', '${TAG##*.}', '3-alpine'],
  ['${X%p} cuts the shortest suffix', '${TAG%.*}', '1.2'],
  ['${X%%p} cuts the longest suffix', '${TAG%%.*}', '1'],
  ['? stands for one character', '${TAG#?.}', '2.3-alpine'],
  ['a prefix that does not match cuts nothing', '${TAG#x*}', '1.2.3-alpine'],
  ['\\* in a pattern is a star', '${STAR#a\\*}', 'c'],
  ['dots and brackets in a pattern are themselves', '${TAG#[12].}', '1.2.3-alpine'],
  ['${X/p/r} replaces the first match', '${PATH_/b/B}', 'a/B/c/b'],
  ['${X//p/r} replaces every match', '${PATH_//b/B}', 'a/B/c/B'],
  ['an escaped slash stands in a pattern', '${PATH_//\\//-}', 'a-b-c-b'],
  ['a replacement may be empty', '${TAG/-alpine/}', '1.2.3'],
  ['a star replaces the longest run', '${PATH_/b*/Z}', 'a/Z'],
  ['replacing every empty match works as in Go', '${X///-}', '-v-a-l-u-e-'],
  ['defaults nest', '${NOPE:-${EMPTY:-${X}}}', 'value'],
  ['a default holds text and variables', '${NOPE:-a$X/b:c}', 'avalue/b:c'],
  ['single quotes keep everything', "'$X ${Y}'", '$X ${Y}'],
  ['double quotes expand', '"$X y"', 'value y'],
  ['quotes join words', 'a"b"\'c\'', 'abc'],
  ['an escaped dollar is a dollar', '\\$X', '$X'],
  ['an escaped dollar in double quotes is a dollar', '"\\$X"', '$X'],
  ['other escapes in double quotes stay', '"\\n"', '\\n'],
  ['an escape at the end is dropped', 'a\\', 'a'],
  ['quotes inside an expression are removed', '${NOPE:-"a b"}', 'a b'],
  ['a lone < stays', 'a<b<<c', 'a<b<<c'],
  ['names may be letters of any script', '${Größe:-x}', 'x'],
];

const failures: readonly [rule: string, word: string, message: RegExp][] = [
  ['${X:?e} fails when empty, with its message', '${EMPTY:?say why}', /EMPTY: say why/],
  ['${X?e} fails when unset', '${NOPE?}', /NOPE: is not allowed to be unset/],
  ['${X:?} says that it is empty', '${EMPTY:?}', /not allowed to be empty/],
  ['an error in a default that is not used is an error', '${X:-${NOPE:?no}}', /NOPE: no/],
  ['a missing brace is an error', '${X', /missing/],
  ['a missing brace after a default is an error', '${X:-d', /missing/],
  ['${} is an error', '${}', /not a substitution/],
  ['${{X} is an error', '${{X}', /not a substitution/],
  ['an unknown operator is an error', '${X^^}', /not an operator/],
  ['an unknown operator after a colon is an error', '${X:=d}', /not an operator/],
  ['an open single quote is an error', "'a", /single quote/],
  ['an open double quote is an error', '"a', /double quote/],
  ['a replacement without its slash is an error', '${X/a}', /missing/],
  ['an escape before a plain character in a pattern is an error', '${X#\\a}', /backslash/],
];

describe('a word of a Dockerfile is expanded as BuildKit expands it', () => {
  it.each(table)('%s: %s', (_rule, word, result) => {
    expect(expandWord(word, env)).toBe(result);
  });

  it.each(failures)('%s: %s', (_rule, word, message) => {
    expect(() => expandWord(word, env)).toThrow(message);
  });

  it('a backtick can be the escape character', () => {
    expect(expandWord('C:\\a`$X', env, '`')).toBe('C:\\a$X');
  });

  it('a word that doubles itself is stopped', () => {
    const big = new Map([['B', 'x'.repeat(10_000)]]);
    expect(() => expandWord('$B$B', big)).toThrow(ExpansionError);
  });

  it('a pattern that would take regular expressions ages is stopped by the budget', () => {
    const big = new Map([['B', 'a'.repeat(10_000)]]);
    expect(() => expandWord(`\${B##${'*a'.repeat(2000)}b}`, big)).toThrow(/too much work/);
  });

  it('nesting is bounded', () => {
    expect(() => expandWord('${a:-'.repeat(5000), env)).toThrow(/nest deeper/);
  });
});

/** What was written, as a tree: the oracle works on it, the code on the text. */
type Node =
  | { t: 'text'; text: string }
  | { t: 'escaped'; char: string }
  | { t: 'single'; text: string }
  | { t: 'double'; parts: Node[] }
  | { t: 'var'; name: string }
  | { t: 'op'; name: string; op: string; word: Node[] }
  | { t: 'cut'; name: string; op: '#' | '##' | '%' | '%%'; pattern: string }
  | { t: 'replace'; name: string; all: boolean; pattern: string; by: string };

const name = fc.constantFrom('A', 'B', 'C', 'D');
const text = fc.stringMatching(/^[a-z0-9.:/]{1,4}$/).map((value): Node => ({ t: 'text', text: value }));
const pattern = fc.stringMatching(/^[ab.*?]{1,4}$/);

const leaf = fc.oneof(
  text,
  fc.constantFrom('$', '"', "'", '\\').map((char): Node => ({ t: 'escaped', char })),
  fc.stringMatching(/^[a-z$ {}"]{0,4}$/).map((value): Node => ({ t: 'single', text: value })),
  fc.record({ t: fc.constant('var' as const), name }),
  fc.record({ t: fc.constant('cut' as const), name, op: fc.constantFrom('#', '##', '%', '%%'), pattern }),
  fc.record({
    t: fc.constant('replace' as const),
    name,
    all: fc.boolean(),
    pattern,
    by: fc.stringMatching(/^[xy]{0,2}$/),
  }),
);
const { nodes } = fc.letrec<{ nodes: Node[]; node: Node }>((tie) => ({
  nodes: fc.array(tie('node'), { maxLength: 4 }),
  node: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.record({ t: fc.constant('op' as const), name, op: fc.constantFrom(':-', '-', ':+', '+'), word: tie('nodes') }),
    fc
      .array(fc.oneof(text, fc.record({ t: fc.constant('var' as const), name })), {
        maxLength: 3,
      })
      .map((parts): Node => ({ t: 'double', parts })),
  ),
}));

function write(tree: readonly Node[]): string {
  return tree
    .map((node) => {
      switch (node.t) {
        case 'text':
          return node.text;
        case 'escaped':
          return `\\${node.char}`;
        case 'single':
          return `'${node.text}'`;
        case 'double':
          return `"${write(node.parts)}"`;
        case 'var':
          return `\${${node.name}}`;
        case 'op':
          return `\${${node.name}${node.op}${write(node.word)}}`;
        case 'cut':
          return `\${${node.name}${node.op}${node.pattern}}`;
        case 'replace':
          return `\${${node.name}${node.all ? '//' : '/'}${node.pattern}/${node.by}}`;
      }
    })
    .join('');
}

const regex = (glob: string) => glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');

function cut(value: string, op: string, glob: string): string {
  const whole = new RegExp(`^(?:${regex(glob)})$`, 's');
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  if (op.length === 2) lengths.reverse();
  const fits = (length: number) =>
    whole.test(op[0] === '#' ? value.slice(0, length) : value.slice(value.length - length));
  const length = lengths.find(fits);
  if (length === undefined) return value;
  return op[0] === '#' ? value.slice(length) : value.slice(0, value.length - length);
}

function meaning(tree: readonly Node[], values: ReadonlyMap<string, string>): string {
  return tree
    .map((node) => {
      switch (node.t) {
        case 'text':
        case 'single':
          return node.text;
        case 'escaped':
          return node.char;
        case 'double':
          return meaning(node.parts, values);
        case 'var':
          return values.get(node.name) ?? '';
        case 'op': {
          const value = values.get(node.name);
          const present = node.op.startsWith(':') ? Boolean(value) : value !== undefined;
          const word = meaning(node.word, values);
          return node.op.endsWith('-') ? (present ? value : word) : present ? word : '';
        }
        case 'cut':
          return cut(values.get(node.name) ?? '', node.op, node.pattern);
        case 'replace':
          return (values.get(node.name) ?? '').replace(new RegExp(regex(node.pattern), node.all ? 'g' : ''), node.by);
      }
    })
    .join('');
}

const values = fc
  .array(fc.tuple(name, fc.stringMatching(/^[ab.]{0,6}$/)), { maxLength: 4 })
  .map((entries) => new Map(entries));

describe('for any word', () => {
  it('the result is what its parts mean', () => {
    fc.assert(
      fc.property(nodes, values, (tree, set) => {
        // Go does not count an empty match next to another, JavaScript does: only patterns of stars alone can show it.
        fc.pre(!JSON.stringify(tree).includes('"pattern":"*') || !JSON.stringify(tree).includes('"all":true'));
        // A pattern that begins with the operator again would be another operator.
        expect(expandWord(write(tree), set)).toBe(meaning(tree, set));
      }),
      { numRuns: 2000 },
    );
  });

  it('nothing but an ExpansionError is thrown', () => {
    const odd = fc.string({
      unit: fc.constantFrom('$', '{', '}', ':', '-', '+', '?', '#', '%', '/', '"', "'", '\\', 'A', '*', '<', ' ', '😀'),
    });
    fc.assert(
      fc.property(fc.oneof(odd, fc.string({ unit: 'binary' })), values, (word, set) => {
        try {
          expandWord(word, set, '\\', new Budget(100_000));
        } catch (error) {
          expect(error).toBeInstanceOf(ExpansionError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
