/**
 * Places where a crash is most interesting: the effect is durable, and nobody knows it yet. A test names one in
 * `PLINTH_CRASH_AT=log.appended:3`, and the process dies there (SIGKILL, as when the power goes) the third time.
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
    throw new Error(`PLINTH_CRASH_AT is "${value}": expected a name and a count, such as log.appended:3.`);
  }
  return { name, left: Number(count ?? 1) };
};

const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

/** Makes a crash point function from the value of `PLINTH_CRASH_AT`; without one it does nothing. */
export const crashPoints = (value: string | undefined, kill: () => void = die): ((name: CrashPoint) => void) => {
  const armed = parse(value);
  if (!armed) return () => undefined;
  return (name) => {
    if (name === armed.name && --armed.left === 0) kill();
  };
};

/** Dies here when `PLINTH_CRASH_AT` says so; costs one call otherwise. */
export const crashPoint = crashPoints(process.env['PLINTH_CRASH_AT']);
