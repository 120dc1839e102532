import { errors, exitCodes, isPlinthError, type ErrorCode, type FieldViolation } from '#libs/contracts/light';

/** Something that the command itself found wrong. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly exit: number = exitCodes.failure,
    /** What to do about it: a command, or a short sentence. */
    readonly next?: string,
  ) {
    super(message);
  }
}

/** The command line is not valid. */
export const usageError = (message: string, next?: string): CliError => new CliError(message, exitCodes.usage, next);

/** A follow or a wait was ended by Ctrl-C. What was followed goes on. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** What is told of an error: never a stack, never a secret. */
export interface Report {
  readonly exit: number;
  readonly code: string;
  readonly message: string;
  readonly violations: readonly FieldViolation[];
  readonly next: string | undefined;
}

/** The next step for errors of the API that do not name one themselves. */
const nextSteps: Partial<Record<ErrorCode, string>> = {
  UNAUTHENTICATED: 'plinth login, or give a token by PLINTH_TOKEN or --token-file',
  PERMISSION_DENIED: 'use a token with more rights: an admin makes one with plinth token create',
  ETAG_MISMATCH: 'show it again, and repeat the change',
  CONFLICT: 'show it again, and repeat the change',
  PROJECTION_BEHIND: 'try again in a moment; plinth status shows what lags',
  UNAVAILABLE: 'try again in a moment; plinth doctor shows what is wrong',
  RESOURCE_EXHAUSTED: 'try again later',
  INTERNAL: 'the log of the server says more, under the same time',
};

/** Messages of the API name requests; at a command line the same is a command. */
const asCommands: readonly [RegExp, string][] = [
  [/POST \/v1\/tasks\/([A-Za-z0-9_-]+)\/runs/g, 'plinth task run -n $1'],
  [/POST \/v1\/tasks\/([A-Za-z0-9_-]+)\/reset/g, 'plinth task reset -n $1'],
  [/PATCH \/v1\/tasks\/([A-Za-z0-9_-]+)/g, 'plinth task update -n $1'],
  [/PATCH \/v1\/registries\/([A-Za-z0-9.:-]*[A-Za-z0-9])/g, 'plinth registry update $1'],
  [/PUT \/v1\/secrets\/([A-Za-z0-9._-]+)/g, 'plinth secret set $1'],
  [/POST \/v1\/registries/g, 'plinth registry add'],
  [/GET \/v1\/registries/g, 'plinth registry list'],
  [/GET \/v1\/tasks/g, 'plinth task list'],
  [/GET \/v1\/runs/g, 'plinth runs list'],
  [/GET \/v1\/waves/g, 'plinth wave list'],
  [/GET \/v1\/images/g, 'plinth image list'],
  [/GET \/v1\/tokens/g, 'plinth token list'],
  [/GET \/v1\/secrets/g, 'plinth secret list'],
  [/GET \/v1\/dead-letters/g, 'plinth dead list'],
  [/\(takeOver\)/g, '(plinth apply --take-over)'],
];

/** The same sentence with commands in place of requests. */
export const withCommands = (text: string): string =>
  asCommands.reduce((words, [request, command]) => words.replaceAll(request, command), text);

export const reportOf = (error: unknown): Report => {
  if (isPlinthError(error)) {
    const { code, violations } = error;
    const message = withCommands(error.message);
    const next = message.includes('plinth ') ? undefined : nextSteps[code];
    return { exit: errors[code].exit, code, message, violations, next };
  }
  if (error instanceof CliError) {
    const { exit, message, next } = error;
    return { exit, code: exit === exitCodes.usage ? 'USAGE' : 'FAILED', message, violations: [], next };
  }
  const { name, message, code } = error as Error & { code?: string };
  if (name === 'ConnectionError') {
    const next = 'start one with plinth up, or name another with --server, PLINTH_SERVER or plinth ctx';
    return { exit: exitCodes.failure, code: 'CONNECTION_FAILED', message, violations: [], next };
  }
  return { exit: exitCodes.failure, code: code ?? 'FAILED', message: message || name, violations: [], next: undefined };
};

/** A report as people read it. */
export const reportText = ({ message, violations, next }: Report): string =>
  [
    `plinth: ${message}`,
    ...violations.map(({ field, message: expected }) => `  ${field}: ${expected}`),
    ...(next === undefined ? [] : [`Next: ${next}`]),
    '',
  ].join('\n');
