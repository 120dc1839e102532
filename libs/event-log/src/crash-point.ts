import { readFileSync } from 'node:fs';

/**
 * Places where a crash is most interesting: the effect is durable, and nobody knows it yet. A test names one in
 * `PLINTH_CRASH_AT=log.appended:3`, and the process dies there (SIGKILL, as when the power goes) the third time.
 * `PLINTH_PAUSE_AT` stops it there instead (SIGSTOP, as when a machine is suspended), until somebody continues it.
 *
 * `@/path/of/a/file` in place of the name is for a test that decides while the process runs: the file says where, may
 * be missing, and is counted anew each time that its text is another.
 */
export type CrashPoint =
  | 'log.appended'
  | 'projection.committed'
  | 'snapshot.stored'
  | 'book.restated'
  | 'book.archived'
  | 'book.purged'
  | (string & {});

interface Armed {
  readonly name: string;
  left: number;
}

const parse = (value: string | undefined): Armed | undefined => {
  if (!value) return undefined;
  const [, name, count] = /^([a-z][a-z0-9.-]*)(?::([1-9][0-9]*))?$/.exec(value) ?? [];
  if (!name) {
    throw new Error(
      `PLINTH_CRASH_AT or PLINTH_PAUSE_AT is "${value}": expected a name and a count, such as log.appended:3.`,
    );
  }
  return { name, left: Number(count ?? 1) };
};

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
};

/** What is armed now: fixed, or as a file says. */
const armedBy = (value: string): (() => Armed | undefined) => {
  if (!value.startsWith('@')) {
    const armed = parse(value);
    return () => armed;
  }
  const file = value.slice(1);
  let text = '';
  let armed: Armed | undefined;
  return () => {
    const now = textOf(file);
    if (now !== text) armed = parse((text = now));
    return armed;
  };
};

const send = (signal: NodeJS.Signals) => (): void => {
  process.kill(process.pid, signal);
};

/**
 * Makes a crash point function from the value of `PLINTH_CRASH_AT`, or of `PLINTH_PAUSE_AT` with what pauses; without
 * a value it does nothing.
 */
export const crashPoints = (
  value: string | undefined,
  act: () => void = send('SIGKILL'),
): ((name: CrashPoint) => void) => {
  if (!value) return () => undefined;
  const current = armedBy(value);
  return (name) => {
    const armed = current();
    if (name === armed?.name && --armed.left === 0) act();
  };
};

const crashes = crashPoints(process.env['PLINTH_CRASH_AT']);
const pauses = crashPoints(process.env['PLINTH_PAUSE_AT'], send('SIGSTOP'));

/** Dies or pauses here when `PLINTH_CRASH_AT` or `PLINTH_PAUSE_AT` says so; costs two calls otherwise. */
export const crashPoint = (name: CrashPoint): void => {
  crashes(name);
  pauses(name);
};
