import { errors, type ErrorCode } from './errors.js';

/** Exit codes of commands, those of gh where it has one. Which error gives which stands in the list of errors. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  denied: 4,
  conflict: 5,
  findings: 6,
  timeout: 124,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What each means, for `plinth help exit-codes` and the docs. */
export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'done; of what ends later, such as a run: it succeeded',
  1: 'failed: a run failed, a server cannot be reached, or Plinth made a mistake',
  2: 'the command line is not valid, or it was interrupted or canceled; nothing was changed by what is not valid',
  3: 'what was named is not there',
  4: 'a valid token is needed, or the token does not allow this',
  5: 'it exists already, was changed meanwhile, or is not in the state that this needs',
  6: 'done, and there are findings (diff, stale --fail-on-stale, why --no-server, doctor, registry test)',
  124: 'what was waited for did not happen in time',
};

/** The errors that end a command with that exit code. */
export const errorsWithExit = (exit: ExitCode): ErrorCode[] =>
  (Object.keys(errors) as ErrorCode[]).filter((code) => errors[code].exit === exit);
