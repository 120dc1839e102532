import { parseArgs } from 'node:util';
import { sabotageNames, type SabotageName } from './sabotage.js';

export interface Options {
  readonly help: boolean;
  /** Leave everything running at the end. */
  readonly keep: boolean;
  readonly sabotage: SabotageName | undefined;
}

export const usage = [
  'npm run demo [-- --keep] [-- --sabotage edge|order|webhook|duplicate]',
  '',
  '  --keep               leave everything running at the end, until Ctrl-C',
  '  --sabotage edge      one dependant is not rebuilt',
  '  --sabotage order     one image is rebuilt before what it stands on',
  '  --sabotage webhook   the notifications of one registry are not believed',
  '  --sabotage duplicate one image is built once too often',
  '',
  'Exit code: 0 when all that was shown holds, 1 when not (with --sabotage it must be 1), 2 for wrong arguments.',
].join('\n');

/** @throws Error that says what is wrong with the arguments */
export const parseOptions = (args: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      keep: { type: 'boolean', default: false },
      sabotage: { type: 'string' },
    },
  });
  const sabotage = sabotageNames.find((name) => name === values.sabotage);
  if (values.sabotage !== undefined && sabotage === undefined) {
    throw new Error(`There is no sabotage ${values.sabotage}; there are ${sabotageNames.join(', ')}.`);
  }
  return { help: values.help, keep: values.keep, sabotage };
};
