import { createHash } from 'node:crypto';
import { InvalidArgumentError } from 'commander';
import type { Argument } from '#libs/contracts';
import type { Session } from '../session.js';

export interface GivenArgument {
  readonly name: string;
  readonly value?: string;
}

/** `NAME=VALUE` or `NAME`, as az takes build arguments. */
export const buildArgument = (text: string): GivenArgument => {
  const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,255}$/.test(name)) throw new InvalidArgumentError('expected NAME=VALUE');
  return { name, ...(value === undefined ? {} : { value }) };
};

/** An argument without a value has that of the caller's variable of its name, or none. */
export const plainArguments = (given: readonly GivenArgument[] | undefined, env: Session['io']['env']): Argument[] =>
  (given ?? []).map(({ name, value }) => ({ name, value: value ?? env[name] ?? '', isSecret: false }));

/** A secret that a command was given: a reference to one, or the value itself. */
export interface GivenSecret {
  readonly ref: string;
  /** To be stored under `ref`. */
  readonly value?: string;
}

/**
 * `env:NAME`, `file:/path` and `secret:NAME` say where a secret is; anything else is the secret itself, as az takes it,
 * and is stored under `name`.
 */
export const givenSecret = (text: string, name: string): GivenSecret => {
  if (/^(env|file):/.test(text)) return { ref: text };
  if (text.startsWith('secret:')) return { ref: text.slice('secret:'.length) };
  return { ref: name, value: text };
};

/** Stores the secrets that were given by value. @param team whose they are; the token's unless said */
export const storeSecrets = async (session: Session, secrets: readonly GivenSecret[], team?: string): Promise<void> => {
  const plinth = await session.client();
  for (const { ref, value } of secrets) {
    if (value === undefined) continue;
    await plinth.setSecret({ name: ref, value, ...(team === undefined ? {} : { team }) });
    session.printer.note(`Stored the secret ${ref}; the task names it, and does not hold it.`);
  }
};

const longest = 63;

/** Name of the secret that a task's argument or token is stored under: another one for each argument of each task. */
export const secretName = (task: string, what: string): string => {
  const whole = `${task}.${what}`;
  if (whole.length <= longest) return whole;
  const rest = `-${createHash('sha256').update(whole).digest('hex').slice(0, 12)}`;
  return `${whole.slice(0, longest - rest.length)}${rest}`;
};
