import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDockerfileError, resolveDockerfile } from '../index.js';

const outcome = async (file: string): Promise<string> => {
  try {
    return `${(await resolveDockerfile(file)).images.length} images`;
  } catch (error) {
    if (!isDockerfileError(error)) throw error;
    return error.code;
  }
};

describe('for any text', () => {
  const keywords = [
    'FROM',
    'ARG',
    'COPY',
    'RUN',
    'ONBUILD',
    'ADD',
    ' AS ',
    ' ',
    '\n',
    '\\\n',
    '\r\n',
    '#',
    '# escape=`\n',
  ];
  const marks = [
    '--from=',
    '--mount=',
    'from=',
    '--platform=',
    '$',
    '${',
    '}',
    ':-',
    '##',
    '%',
    '/',
    '"',
    "'",
    '<<',
    '<<-',
  ];
  const names = [
    'a',
    'b',
    'E',
    '0',
    'scratch',
    ':',
    '@',
    ',',
    '[',
    ']',
    '\uFEFF',
    '\0',
    '\u00a0',
    '😀',
    '__proto__',
    '`',
    '\t',
  ];
  const piece = fc.constantFrom(...keywords, ...marks, ...names, '# syntax=x\n');
  const dockerfileish = fc.array(piece, { maxLength: 60 }).map((pieces) => `FROM a\n${pieces.join('')}`);

  it('the answer is a resolution or a DockerfileError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(dockerfileish, fc.string({ unit: 'binary', maxLength: 200 })), async (file) => {
        await outcome(file);
      }),
      { numRuns: 1000 },
    );
  });

  it('it is the same every time, and no platform or argument makes it anything else', async () => {
    const options = fc.record({
      target: fc.option(fc.constantFrom('a', 'b', ''), { nil: undefined }),
      buildArgs: fc.dictionary(fc.string(), fc.string()),
      buildContexts: fc.dictionary(
        fc.constantFrom('a', 'b', 'A', 'x::y'),
        fc.constantFrom('docker-image://n', './d', 'oci-layout://x', ''),
      ),
      onBuild: fc.constant(async () => ['COPY --from=b / /', 'RUN x']),
    });
    await fc.assert(
      fc.asyncProperty(dockerfileish, options, async (file, given) => {
        const ask = () =>
          resolveDockerfile(file, given).catch((error: unknown) =>
            isDockerfileError(error) ? error.message : Promise.reject(error as Error),
          );
        expect(await ask()).toEqual(await ask());
      }),
      { numRuns: 300 },
    );
  });
});

/** Each would run for minutes or overflow the stack if any part were quadratic, backtracking or recursive. */
describe('a file of nearly a megabyte is answered at once', () => {
  const times = (count: number, write: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => write(i)).join('');
  const files: readonly [what: string, file: string, answer: string][] = [
    ['of stages', 'FROM a\n'.repeat(140_000), '1 images'],
    [
      'of stages that are FROM each other',
      `FROM a AS b0\n${times(40_000, (i) => `FROM b${i} AS b${i + 1}\n`)}`,
      '1 images',
    ],
    [
      'of stages that copy from each other',
      `FROM a AS b0\n${times(18_000, (i) => `FROM a AS b${i + 1}\nCOPY --from=b${i} / /\n`)}`,
      '18001 images',
    ],
    [
      'of stages with triggers',
      `FROM a AS b0\n${times(15_000, (i) => `FROM b${i} AS b${i + 1}\nONBUILD COPY --from=b${i} / /\n`)}`,
      '1 images',
    ],
    ['of mounts', `FROM a\n${'RUN --mount=type=cache,target=/x x\n'.repeat(29_000)}`, '1 images'],
    ['of instructions', `FROM a\n${'RUN x\n'.repeat(170_000)}`, '1 images'],
    ['of continuations', `FROM a\nRUN ${'x \\\n'.repeat(250_000)}`, '1 images'],
    ['of heredocs', `FROM a\n${'RUN <<E\nE\n'.repeat(95_000)}`, '1 images'],
    ['of heredoc marks in one line', `FROM a\nRUN ${'<<E '.repeat(16_000)}\n${'E\n'.repeat(16_000)}`, '1 images'],
    ['of doubling ARGs', `ARG A=xx\n${'ARG A=$A$A\n'.repeat(80_000)}FROM $A`, 'EXPANSION_TOO_LARGE'],
    [
      'of patterns',
      `ARG A=${'x'.repeat(9000)}\n${'ARG B=${A##*y*y*y*y*y}\n'.repeat(40_000)}FROM a`,
      'EXPANSION_TOO_LARGE',
    ],
    ['of nested defaults', `FROM ${'${A:-'.repeat(12_000)}`, 'EXPANSION_TOO_LARGE'],
    ['of nested expressions in a RUN', `FROM a\nRUN <<E ${'${A:-'.repeat(12_000)}`, 'EXPANSION_TOO_LARGE'],
    ['of blanks after a heredoc mark', `FROM a\n${`RUN <<${' '.repeat(60_000)}<E\n`.repeat(16)}`, '1 images'],
    ['of fields in a mount', `FROM a\nRUN --mount=${'a,'.repeat(30_000)} x`, '1 images'],
    ['of references', `FROM ${'a-'.repeat(8000)}`, 'INVALID_REFERENCE'],
    ['of dollars', `ARG A=${'a'.repeat(1000)}\nARG B=\${A//a/${'\\${0'.repeat(2000)}}\nFROM a`, 'EXPANSION_TOO_LARGE'],
    ['of brackets', `FROM a\nRUN ${'['.repeat(60_000)}`, '1 images'],
    ['of blanks', `FROM a\n${`RUN ${' '.repeat(60_000)}x\n`.repeat(16)}`, '1 images'],
    ['of blanks in a directive', `# escape=${' '.repeat(60_000)}x y\nFROM a`, 'INVALID_ESCAPE'],
    ['of nested JSON', `{"syntax":${'['.repeat(500_000)}`, 'LINE_TOO_LONG'],
    ['of different images', `FROM a\n${times(30_000, (i) => `COPY --from=a${i} / /\n`)}`, 'TOO_MANY_IMAGES'],
  ];
  it.each(files)('%s', async (_what, file, answer) => {
    expect(await outcome(file)).toBe(answer);
  });
});
