import { createInterface } from 'node:readline/promises';
import { exitCodes } from '#libs/contracts/light';
import { CliError } from '../errors.js';
import type { Session } from '../session.js';

/**
 * Asks at a terminal before something is removed; `-y` answers, and so does a script, where nobody could.
 *
 * @throws CliError (exit 2) when the answer is no
 */
export const confirm = async ({ io }: Session, question: string, yes: boolean | undefined): Promise<void> => {
  if (yes || io.stdin.isTTY !== true || io.stderr.isTTY !== true) return;
  const asking = createInterface({ input: io.stdin, output: io.stderr as never });
  try {
    const answer = await asking.question(`${question} (y/N) `, { signal: io.interrupted });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    asking.close();
  }
  throw new CliError('Nothing was changed.', exitCodes.usage);
};
