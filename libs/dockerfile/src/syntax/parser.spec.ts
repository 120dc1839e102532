import { DockerfileParser } from 'dockerfile-ast';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectSyntax } from './directives.js';
import { parse } from './parser.js';
import { csvFields, quotedWords, takeFlags } from './words.js';

const shape = (text: string) => parse(text).instructions.map(({ keyword, rest }) => `${keyword} ${rest}`);

const files: readonly [rule: string, text: string, instructions: string[]][] = [
  ['keywords are read in any case', 'from a\nRuN x', ['from a', 'run x']],
  ['a byte order mark is skipped', '\uFEFFFROM a', ['from a']],
  ['blank lines and comments are skipped', '\n# c\n  # d\nFROM a\n\n', ['from a']],
  ['lines may end in \\r\\n', 'FROM a\r\nRUN x \\\r\n y\r\n', ['from a', 'run x  y']],
  ['a backslash joins the next line', 'FROM \\\n a', ['from a']],
  ['blanks may follow the backslash', 'FROM a\nRUN x \\  \t\n y', ['from a', 'run x  y']],
  ['an escaped backslash does not join', 'FROM a\nRUN x \\\\\nRUN y', ['from a', 'run x \\\\', 'run y']],
  ['comments inside a continuation are dropped', 'FROM a\nRUN x \\\n# FROM b\n  # c\n y', ['from a', 'run x  y']],
  ['empty lines inside a continuation are dropped', 'FROM a\nRUN x \\\n\n\n y', ['from a', 'run x  y']],
  ['a keyword may be split by a continuation', 'FR\\\nOM a', ['from a']],
  ['a continuation at the end of the file ends there', 'FROM a\\', ['from a']],
  [
    'the escape directive changes what joins',
    '# escape=`\nFROM a`\n AS b\nRUN x\\\nRUN y',
    ['from a AS b', 'run x\\', 'run y'],
  ],
  ['the name of a directive is in any case', '# EsCaPe = `\nFROM a`\n AS b', ['from a AS b']],
  ['a comment before ends the directives', '# c\n# escape=`\nFROM a\\\n AS b', ['from a AS b']],
  ['an unknown directive ends the directives', '# x=y\n# escape=`\nFROM a\\\n AS b', ['from a AS b']],
  ['a blank line ends the directives', '\n# escape=`\nFROM a\\\n AS b', ['from a AS b']],
  ['a #! line ends them too, for the escape', '#!/bin/x\n# escape=`\nFROM a\\\n AS b', ['from a AS b']],
  ['tabs and form feeds separate', 'FROM\ta\fAS\vb', ['from a\fAS\vb']],
];

const heredocs: readonly [rule: string, text: string, instructions: string[]][] = [
  ['a heredoc body is no instruction', 'RUN <<EOF\nFROM b\nEOF\nRUN x', ['run <<EOF', 'run x']],
  ['COPY and ADD have heredocs', 'COPY <<A /a\nFROM b\nA\nADD <<B /b\nFROM b\nB', ['copy <<A /a', 'add <<B /b']],
  ['several heredocs follow each other', 'RUN cat <<A <<B\nB\nA\nFROM c\nB\nRUN x', ['run cat <<A <<B', 'run x']],
  ['<<- ignores tabs before the end', 'RUN <<-E\n\tFROM b\n\t\tE\nRUN x', ['run <<-E', 'run x']],
  ['without - a tab keeps it open', 'RUN <<E\n\tE\nE\nRUN x', ['run <<E', 'run x']],
  ['the end word may be quoted', 'RUN <<"E F"\nFROM b\nE F\nRUN x', ['run <<"E F"', 'run x']],
  ['blanks may stand before the end word', 'RUN <<  E\nFROM b\nE\nRUN x', ['run <<  E', 'run x']],
  ['a file descriptor may stand before', 'RUN 3<<E cat\nFROM b\nE\nRUN x', ['run 3<<E cat', 'run x']],
  ['a variable as end word is taken as written', 'RUN <<$E\n$E\nRUN x', ['run <<$E', 'run x']],
  ['it may stand in an ONBUILD', 'ONBUILD RUN <<E\nFROM b\nE\nRUN x', ['onbuild RUN <<E', 'run x']],
  ['it may stand before a continuation', 'RUN cat <<E \\\n y\nFROM b\nE\nRUN x', ['run cat <<E  y', 'run x']],
  ['comments in a body are part of it', 'RUN <<E\n# c\nE\nRUN x', ['run <<E', 'run x']],
  ['\\r before the line ends does not matter', 'RUN <<E\r\nFROM b\r\nE\r\nRUN x', ['run <<E', 'run x']],
  ['quoted text is none', 'RUN echo "<<E"\nRUN x', ['run echo "<<E"', 'run x']],
  ['text before the mark makes it none', 'RUN echo a<<E\nRUN x', ['run echo a<<E', 'run x']],
  ['<<< is none', 'RUN cat <<<E\nRUN x', ['run cat <<<E', 'run x']],
  ['a JSON array has none', 'RUN ["cat", "<<E"]\nRUN x', ['run ["cat", "<<E"]', 'run x']],
  ['a shift in arithmetic is none', 'RUN echo $((1<<E))\nRUN x', ['run echo $((1<<E))', 'run x']],
  ['ENV and CMD have none', 'ENV A=<<E\nCMD <<E\nRUN x', ['env A=<<E', 'cmd <<E', 'run x']],
];

describe('a Dockerfile is split as BuildKit splits it', () => {
  it.each(files)('%s', (_rule, text, instructions) => {
    expect(shape(text)).toEqual(instructions);
  });

  it.each(heredocs)('heredocs: %s', (_rule, text, instructions) => {
    expect(shape(text)).toEqual(instructions);
  });

  it('an instruction is on the line where it begins', () => {
    expect(parse('\n# c\nFROM \\\n a\nRUN <<E\nx\nE\nRUN y').instructions.map(({ line }) => line)).toEqual([3, 5, 8]);
  });
});

describe('the syntax directive', () => {
  const cases: readonly [rule: string, text: string, image: string | undefined, line?: number][] = [
    ['is read from the first line', '# syntax=docker/dockerfile:1\nFROM a', 'docker/dockerfile:1', 1],
    ['may be written without blanks and in any case', '#SYNTAX=x\nFROM a', 'x', 1],
    ['gives only its first word', '# syntax = x --flag y\nFROM a', 'x', 1],
    ['may follow another directive', '# escape=`\n# syntax=x\nFROM a', 'x', 2],
    ['may follow a byte order mark', '\uFEFF# syntax=x\nFROM a', 'x', 1],
    ['may follow a #! line', '#!/usr/bin/x\n# syntax=x\nFROM a', 'x', 2],
    ['may be a // comment', '// syntax=x\nFROM a', 'x', 1],
    ['may be a member of a JSON object', '{"syntax": "x", "a": 1}', 'x', 1],
    ['may end in \\r\\n', '# syntax=x\r\nFROM a', 'x', 1],
    ['is a comment after another comment', '# c\n# syntax=x\nFROM a', undefined],
    ['is a comment after an instruction', 'FROM a\n# syntax=x', undefined],
    ['is a comment after a blank line', '\n# syntax=x\nFROM a', undefined],
    ['is a comment when blanks stand before it', ' # syntax=x\nFROM a', undefined],
    ['is none when it is blank', '# syntax=  \nFROM a', undefined],
    ['is none in JSON that is none', '{"syntax": "x"', undefined],
  ];
  it.each(cases)('%s', (_rule, text, image, line) => {
    expect(detectSyntax(text)).toEqual(image && { image, line });
  });
});

describe('words', () => {
  it('flags end at the first word without --, quotes and escapes are resolved', () => {
    expect(takeFlags('--a="b c" --d=\\"e -- --f', '\\')).toEqual({ flags: ['--a=b c', '--d="e'], rest: ' --f' });
    expect(takeFlags('  x --a=b', '\\')).toEqual({ flags: [], rest: 'x --a=b' });
  });

  it('quotes keep blanks together and stay', () => {
    expect(quotedWords(`A="x y" B='z "' C=a\\ b`, '\\')).toEqual(['A="x y"', `B='z "'`, 'C=a\\ b']);
  });

  it('mounts are one record of comma-separated values', () => {
    expect(csvFields('type=bind,"a=b,c",d=""')).toBeUndefined();
    expect(csvFields('type=bind,"a=""b"",c",d=')).toEqual(['type=bind', 'a="b",c', 'd=']);
    expect(csvFields('a,')).toEqual(['a', '']);
    expect(csvFields('')).toBeUndefined();
  });
});

describe('for any tame Dockerfile', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9./:-]{0,6}$/);
  const instruction = fc.oneof(
    fc
      .tuple(fc.constantFrom('FROM', 'RUN', 'COPY', 'ENV', 'from'), fc.array(word, { minLength: 2, maxLength: 4 }))
      .map(([keyword, words]) => `${keyword} ${words.join(' ')}`),
    fc.tuple(word, word).map(([a, b]) => `RUN ${a} \\\n  # note\n  ${b}`),
    fc
      .array(
        word.map((text) => `FROM ${text}`),
        { maxLength: 3 },
      )
      .map((body) => ['RUN cat <<END', ...body, 'END'].join('\n')),
    word.map((text) => `# ${text}`),
  );

  it('an independent parser sees the same instructions on the same lines', () => {
    fc.assert(
      fc.property(fc.array(instruction, { minLength: 1, maxLength: 8 }), (lines) => {
        const file = ['FROM first', ...lines].join('\n');
        const theirs = DockerfileParser.parse(file)
          .getInstructions()
          .map((one) => [one.getKeyword().toLowerCase(), one.getRange().start.line + 1]);
        expect(parse(file).instructions.map(({ keyword, line }) => [keyword, line])).toEqual(theirs);
      }),
    );
  });
});
