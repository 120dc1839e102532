import type { CallInput, OperationName } from '#libs/contracts';
import type { Session } from '../session.js';

/**
 * Holds a request against its schema, as the server does. For what is sent in two steps, and for `--dry-run`.
 *
 * @throws PlinthError INVALID_ARGUMENT naming the fields
 */
export const validated = async <N extends OperationName>(name: N, input: CallInput<N>): Promise<void> => {
  // The schemas take a tenth of a second to load: only who asks for them waits.
  const { operations, PlinthError } = await import('#libs/contracts');
  const { error } = operations[name].input.safeParse(input);
  if (!error) return;
  const violations = error.issues.map(({ path, message }) => ({
    field: path.reduce<string>(
      (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${String(part)}` : String(part)),
      '',
    ),
    message,
  }));
  throw new PlinthError('INVALID_ARGUMENT', 'The request is not valid.', violations);
};

/** The option of a command that sends one request. */
export const sendsNothing = ['--dry-run', 'print what would be sent, and send nothing'] as const;

/** Prints what would be done, in place of doing it. */
export const wouldBe = async (session: Session, value: object, done: string): Promise<void> => {
  await session.printer.value(value);
  session.printer.note(`Nothing was ${done}: this is what would be.`);
};

/** Prints what would be sent, and sends nothing. */
export const dryRun = async <N extends OperationName>(
  session: Session,
  name: N,
  input: CallInput<N>,
): Promise<void> => {
  await validated(name, input);
  await wouldBe(session, input, 'sent');
};
