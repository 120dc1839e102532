import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDockerfileError, resolveDockerfile } from '../index.js';
import { withArgumentValues } from './argument-values.js';

const given = (text: string) => withArgumentValues(text, { TOKEN: "it's $1" });
const value = `'it'"'"'s $1'`;

describe('arguments get their values inside the file', () => {
  it.each([
    ['where they are declared', 'FROM a\nARG TOKEN\nRUN x', `FROM a\nARG TOKEN TOKEN=${value}\nRUN x`],
    ['also before FROM, and with a default', 'ARG TOKEN=x\nFROM a', `ARG TOKEN=x TOKEN=${value}\nFROM a`],
    ['beside others', 'FROM a\narg A TOKEN B=c', `FROM a\narg A TOKEN B=c TOKEN=${value}`],
    [
      'where lines are continued',
      'FROM a\nARG TOKEN \\\n # c\n  B\n\n',
      `FROM a\nARG TOKEN \\\n # c\n  B TOKEN=${value}\n\n`,
    ],
    ['where lines end in \\r\\n', 'FROM a\r\nARG TOKEN\r\nRUN x', `FROM a\r\nARG TOKEN TOKEN=${value}\r\nRUN x`],
    ['and nowhere else', 'FROM a\nRUN <<E\nARG TOKEN\nE\nARG TOKENS\nENV TOKEN=', undefined],
  ])('%s', (_where, text, result) => {
    expect(given(text)).toBe(result ?? text);
  });

  it.each([
    ['several lines', 'FROM a\nARG TOKEN', { TOKEN: 'a\nb' }, /line 2: .*several lines.*type=secret,id=TOKEN/],
    ['a trigger', 'FROM a\nONBUILD ARG TOKEN', { TOKEN: 'a' }, /line 2: .*ONBUILD ARG/],
    ['a continuation into a comment', 'FROM a\nARG TOKEN \\\n# c', { TOKEN: 'a' }, /line 2: .*ends in a continuation/],
    ['another language', 'let a = 1', { TOKEN: 'a' }, /not an instruction/],
  ])('but not for %s', (_what, text, values, says) => {
    try {
      withArgumentValues(text, values);
      expect.unreachable();
    } catch (error) {
      expect(isDockerfileError(error)).toBe(true);
      expect((error as Error).message).toMatch(says);
    }
  });

  it('means what a build argument means, for any value', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 }).filter((one) => !/[\r\n\0]/.test(one));
    const files = fc.constantFrom(
      'ARG V=x\nFROM ${V}y',
      'ARG V\nARG W=${V:-z}\nFROM a${W}',
      '# escape=`\nARG A V `\n B=c\nFROM n:${V}',
      'ARG V="q q"\nARG V\nFROM ${V#*/}',
    );
    const outcome = (file: string, buildArgs: Record<string, string>) =>
      resolveDockerfile(file, { buildArgs }).then(
        ({ images }) => images.map(({ reference }) => reference),
        (error: unknown) => (isDockerfileError(error) ? error.code : Promise.reject(error as Error)),
      );
    await fc.assert(
      fc.asyncProperty(files, fc.oneof(text, fc.stringMatching(/^[a-z/]{0,5}$/)), async (file, V) => {
        expect(await outcome(withArgumentValues(file, { V }), {})).toEqual(await outcome(file, { V }));
      }),
    );
  });
});
