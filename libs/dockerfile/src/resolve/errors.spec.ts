import { describe, expect, it } from 'vitest';
import { isDockerfileError, resolveDockerfile } from '../index.js';
import type { DockerfileErrorCode, ResolveOptions } from '../index.js';

type Row = readonly [
  rule: string,
  file: string,
  code: DockerfileErrorCode,
  line: number,
  says: RegExp,
  options?: ResolveOptions,
];

const trigger = (text: string): ResolveOptions => ({ onBuild: async () => [text] });

const rows: readonly Row[] = [
  ['an empty file', '', 'NO_INSTRUCTIONS', 0, /at least one FROM/],
  ['comments alone', '# a\n\n', 'NO_INSTRUCTIONS', 0, /no instructions/],
  ['ARGs alone', 'ARG A=1', 'NO_STAGES', 0, /no FROM/],
  [
    'a file beyond the limit',
    `FROM a\n${'# x\n'.repeat(300_000)}`,
    'DOCKERFILE_TOO_LARGE',
    0,
    /larger than 1048576 bytes/,
  ],
  ['a line beyond the limit', `FROM a\nRUN ${'x'.repeat(70_000)}`, 'LINE_TOO_LONG', 2, /longer than 65535 bytes/],
  ['a second escape directive', '# escape=\\\n# escape=`\nFROM a', 'DUPLICATE_DIRECTIVE', 2, /second "# escape="/],
  [
    'a second syntax directive in another case',
    '# syntax=docker/dockerfile\n# Syntax=b\nFROM a',
    'DUPLICATE_DIRECTIVE',
    2,
    /syntax/,
  ],
  ['another escape character', '# escape=x\nFROM a', 'INVALID_ESCAPE', 1, /backtick, not "x"/],
  ['a syntax image that is no reference', '# syntax=A B\nFROM a', 'INVALID_REFERENCE', 1, /syntax image/],
  ['an instruction that does not exist', 'FROM a\nRUM x', 'UNKNOWN_INSTRUCTION', 2, /"RUM" is not an instruction/],
  ['an instruction before FROM', 'RUN x\nFROM a', 'INSTRUCTION_BEFORE_FROM', 1, /only ARG/],
  ['FROM without an image', 'FROM', 'INVALID_INSTRUCTION', 1, /FROM takes/],
  ['FROM with two words', 'FROM a b', 'INVALID_INSTRUCTION', 1, /FROM takes/],
  ['FROM with an unknown flag', 'FROM --x=y a', 'INVALID_INSTRUCTION', 1, /--platform/],
  ['a stage name that begins with a digit', 'FROM a AS 1b', 'INVALID_STAGE_NAME', 1, /"1b"/],
  ['FROM that expands to nothing', 'ARG B\nFROM $B', 'BLANK_BASE', 2, /give ARG B a default/],
  [
    'FROM that expands to nothing in a stage that is not built',
    'FROM $B\nFROM a',
    'BLANK_BASE',
    1,
    /expands to nothing/,
  ],
  ['FROM that expands to no reference', 'FROM node:$V', 'INVALID_REFERENCE', 1, /"node:"/],
  [
    'an image name in upper case, though a stage has it in lower',
    'FROM a AS x\nFROM X',
    'INVALID_REFERENCE',
    2,
    /lower case/,
  ],
  ['a bad reference in a stage that is not built', 'FROM a:b:c:d\nFROM a', 'INVALID_REFERENCE', 1, /not a/],
  ['a ${X:?} that fails', 'ARG X\nFROM ${X:?set_it}', 'INVALID_EXPANSION', 2, /X: set_it/],
  ['an ARG default with an open quote', 'ARG X="a\nFROM b', 'INVALID_EXPANSION', 1, /double quote/],
  [
    'ARGs that double',
    `ARG A=xxxxxxxxxx\n${'ARG A=$A$A\n'.repeat(40)}FROM $A`,
    'EXPANSION_TOO_LARGE',
    12,
    /more than 16384/,
  ],
  ['an empty platform', 'FROM --platform=$P a', 'INVALID_PLATFORM', 1, /ARG P/],
  ['a platform that is none', 'FROM --platform=a/b/c/d a', 'INVALID_PLATFORM', 1, /not a platform/],
  ['a target platform that is none', 'FROM a', 'INVALID_PLATFORM', 0, /not a platform/, { platforms: ['x'] }],
  ['ARG without a name', 'ARG\nFROM a', 'INVALID_INSTRUCTION', 1, /needs a name/],
  ['ARG with an empty name', 'ARG =x\nFROM a', 'INVALID_INSTRUCTION', 1, /no name/],
  ['COPY without a destination', 'FROM a\nCOPY x', 'INVALID_INSTRUCTION', 2, /destination/],
  ['COPY --from without a value', 'FROM a\nCOPY --from x y', 'INVALID_INSTRUCTION', 2, /--from=value/],
  ['COPY --from twice', 'FROM a\nCOPY --from=x --from=y / /', 'INVALID_INSTRUCTION', 2, /twice/],
  ['COPY --from with a variable', 'ARG X=y\nFROM a\nCOPY --from=$X / /', 'VARIABLE_IN_FROM', 3, /stage name by a FROM/],
  ['COPY --from a number without a stage', 'FROM a\nCOPY --from=7 / /', 'UNKNOWN_STAGE_INDEX', 2, /numbered from 0/],
  ['COPY --from a negative number', 'FROM a\nCOPY --from=-1 / /', 'UNKNOWN_STAGE_INDEX', 2, /does not exist/],
  ['COPY --from what is no reference', 'FROM a\nCOPY --from=A_ / /', 'INVALID_REFERENCE', 2, /lower case/],
  ['ADD --from', 'FROM a\nADD --from=x / /', 'INVALID_INSTRUCTION', 2, /use COPY/],
  ['a mount with a variable', 'FROM a\nRUN --mount=from=${X},target=/x y', 'VARIABLE_IN_FROM', 2, /not expanded/],
  ['a mount that is no list', 'FROM a\nRUN --mount=a\\"b y', 'INVALID_INSTRUCTION', 2, /key=value/],
  ['a JSON array of numbers', 'FROM a\nRUN [1]', 'INVALID_INSTRUCTION', 2, /strings alone/],
  ['a heredoc that is not closed', 'FROM a\nRUN <<E\nx', 'UNTERMINATED_HEREDOC', 2, /"E"/],
  ['a stage that copies from itself', 'FROM a AS x\nCOPY --from=x / /', 'CIRCULAR_STAGES', 2, /x → x/],
  [
    'stages that copy from each other, though not built',
    'FROM a AS x\nCOPY --from=y / /\nFROM b AS y\nRUN --mount=from=x,target=/x z\nFROM c',
    'CIRCULAR_STAGES',
    4,
    /x → y → x/,
  ],
  [
    'COPY --from a later stage',
    'FROM a AS x\nCOPY --from=y / /\nFROM b AS y\nFROM x',
    'STAGE_NOT_YET_DEFINED',
    2,
    /x copies from y/,
  ],
  [
    'a mount of a later stage',
    'FROM a AS x\nRUN --mount=from=y,target=/y z\nFROM b AS y\nFROM x',
    'STAGE_NOT_YET_DEFINED',
    2,
    /x mounts y/,
  ],
  [
    'COPY --from a name that a later stage shadows',
    'FROM a AS x\nFROM b AS y\nCOPY --from=x / /\nFROM c AS x\nFROM y',
    'STAGE_NOT_YET_DEFINED',
    3,
    /later/,
  ],
  [
    'a target that does not exist',
    'FROM a AS x',
    'UNKNOWN_TARGET',
    0,
    /"y" to build; its named stages are x/,
    { target: 'y' },
  ],
  ['ONBUILD of nothing', 'FROM a\nONBUILD', 'INVALID_INSTRUCTION', 2, /needs an instruction/],
  ['ONBUILD FROM', 'FROM a\nONBUILD FROM b', 'INVALID_INSTRUCTION', 2, /cannot be an ONBUILD/],
  ['ONBUILD ONBUILD', 'FROM a\nONBUILD ONBUILD RUN x', 'INVALID_INSTRUCTION', 2, /another ONBUILD/],
  ['a trigger of the base that is no instruction', '\nFROM a', 'INVALID_ONBUILD', 2, /"BAD x"/, trigger('BAD x')],
  ['a trigger of the base that is FROM', 'FROM a', 'INVALID_ONBUILD', 1, /cannot be a FROM/, trigger('FROM b')],
  ['a trigger of the base of two instructions', 'FROM a', 'INVALID_ONBUILD', 1, /single/, trigger('RUN x\nRUN y')],
  [
    'a trigger that copies from a later stage',
    'FROM a AS x\nFROM b AS y\nFROM x',
    'STAGE_NOT_YET_DEFINED',
    1,
    /later/,
    trigger('COPY --from=y / /'),
  ],
  [
    'a trigger of a local stage that is broken',
    'FROM a AS x\nONBUILD COPY y\nFROM x',
    'INVALID_ONBUILD',
    3,
    /destination/,
  ],
  [
    'a context whose name is no reference',
    'FROM a',
    'INVALID_BUILD_CONTEXT',
    0,
    /"A B"/,
    { buildContexts: { 'A B': './x' } },
  ],
  [
    'a context of no image',
    'FROM a',
    'INVALID_BUILD_CONTEXT',
    0,
    /names no image/,
    { buildContexts: { a: 'docker-image://A' } },
  ],
  [
    'an OCI layout without a digest',
    'FROM a',
    'INVALID_BUILD_CONTEXT',
    0,
    /without a digest/,
    { buildContexts: { a: 'oci-layout://x:1' } },
  ],
  [
    'more images than a build has',
    `FROM a\n${Array.from({ length: 1001 }, (_, i) => `COPY --from=i${i} / /\n`).join('')}`,
    'TOO_MANY_IMAGES',
    0,
    /more than 1000/,
  ],
];

describe('a Dockerfile is refused, with the line and what to do, for', () => {
  it.each(rows.map(([rule, file, code, line, says, options]) => ({ rule, file, code, line, says, options })))(
    '$rule',
    async ({ file, code, line, says, options }) => {
      const error: unknown = await resolveDockerfile(file, options).catch((reason: unknown) => reason);
      expect(isDockerfileError(error) && { code: error.code, line: error.line }).toEqual({ code, line });
      expect((error as Error).message).toMatch(says);
    },
  );
});

describe('is not an error:', () => {
  const fine: readonly [rule: string, file: string][] = [
    ['COPY --from a later stage where the build does not come', 'FROM a AS x\nCOPY --from=y / /\nFROM b AS y\nFROM c'],
    ['two stages of one name', 'FROM a AS x\nFROM b AS x'],
    ['a $ alone in a mount', 'FROM a\nRUN --mount=type=cache,target=/x$ y'],
    ['flags that a newer frontend may know', 'FROM a\nRUN --new=1 x\nCOPY --new / /'],
    ['an ONBUILD trigger that no stage runs', 'FROM a\nONBUILD COPY x'],
  ];
  it.each(fine)('%s', async (_rule, file) => {
    expect((await resolveDockerfile(file)).images).toHaveLength(1);
  });
});
