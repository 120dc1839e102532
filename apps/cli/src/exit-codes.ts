import { errorsWithExit, exitCodeMeanings, type ExitCode } from '#libs/contracts/light';

/** What `plinth help exit-codes` prints. */
export const exitCodesText = (): string => {
  const lines = Object.entries(exitCodeMeanings).map(([code, meaning]) => {
    const errors = errorsWithExit(Number(code) as ExitCode);
    const list = errors.length === 0 ? '' : `\n       errors of the API: ${errors.join(', ')}`;
    return `${code.padStart(4)}  ${meaning}${list}`;
  });
  return `Exit codes of plinth:\n\n${lines.join('\n')}\n`;
};
