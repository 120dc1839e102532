import { isDeepStrictEqual } from 'node:util';
import { PlinthError, type FieldChange, type FieldViolation } from '#libs/contracts';

/** What an apply says of itself, beside its resources. */
export interface ApplySet {
  /** `team/set`: teams name their sets for themselves. */
  readonly mark: string;
  readonly takeOver: boolean;
}

export const markOf = (team: string, set: string): string => `${team}/${set}`;

interface Marked {
  readonly appliedBy?: string | undefined;
}

/**
 * The definition with the mark of the set that may prune it. What was made by hand stays by hand, so that no set ever
 * deletes it, unless the caller takes it over.
 *
 * @throws PlinthError FAILED_PRECONDITION when another set made it, and it is not taken over
 */
export const markedDefinition = <D extends Marked>(
  wanted: D,
  known: D | null,
  { mark, takeOver }: ApplySet,
  what: string,
): D => {
  const made = known?.appliedBy;
  if (made !== undefined && made !== mark && !takeOver) {
    throw new PlinthError(
      'FAILED_PRECONDITION',
      `${what} is of the set "${made}", not of "${mark}": two sets would change it in turn. Take it out of one of them, or take it over (takeOver).`,
    );
  }
  const { appliedBy: _mark, ...definition } = wanted;
  const kept = known === null || takeOver ? mark : made;
  return (kept === undefined ? definition : { ...definition, appliedBy: kept }) as D;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const inner = (path: string, key: string): string => {
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
};

/**
 * What differs, field by field. Lists of one length are compared element by element, others as a whole: that says more
 * than a shift of everything.
 */
export const fieldChanges = (from: unknown, to: unknown, path = ''): FieldChange[] => {
  if (isDeepStrictEqual(from, to)) return [];
  if (isRecord(from) && isRecord(to)) {
    const fields = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    return fields.flatMap((field) => fieldChanges(from[field], to[field], inner(path, field)));
  }
  if (Array.isArray(from) && Array.isArray(to) && from.length === to.length) {
    return from.flatMap((element, index) => fieldChanges(element, to[index], `${path}[${index}]`));
  }
  return [{ field: path, from: from ?? null, to: to ?? null }];
};

/** Equal as JSON: the order of fields does not count, and absent is undefined. */
export const sameDefinition = (a: unknown, b: unknown): boolean => fieldChanges(a, b).length === 0;

/**
 * Runs every check of many things, and fails with what all of them found.
 *
 * @param check throws a PlinthError about the thing at `index`
 * @throws PlinthError with every violation below the path of its thing; INVALID_ARGUMENT where anything is invalid
 */
export const checkEach = <T, R>(list: string, things: readonly T[], check: (thing: T, index: number) => R): R[] => {
  const failures: { readonly error: PlinthError; readonly violations: readonly FieldViolation[] }[] = [];
  const results: R[] = [];
  things.forEach((thing, index) => {
    const path = `${list}[${index}]`;
    try {
      results.push(check(thing, index));
    } catch (error) {
      if (!(error instanceof PlinthError)) throw error;
      const own = error.violations.map(({ field, message }) => ({
        field: field === '' ? path : `${path}.${field}`,
        message,
      }));
      failures.push({ error, violations: own.length > 0 ? own : [{ field: path, message: error.message }] });
    }
  });
  const worst = failures.find(({ error }) => error.code === 'INVALID_ARGUMENT') ?? failures[0];
  if (!worst) return results;
  const more = failures.length > 1 ? ` ${failures.length - 1} more cannot be taken either.` : '';
  throw new PlinthError(
    worst.error.code,
    `Nothing was changed. ${worst.error.message}${more}`,
    failures.flatMap(({ violations }) => violations),
  );
};

/** @throws PlinthError INVALID_ARGUMENT naming the later of two that have one name */
export const onlyOnce = (seen: Map<string, number>, field: string, name: string, index: number, list: string): void => {
  const first = seen.get(name);
  if (first === undefined) {
    seen.set(name, index);
    return;
  }
  throw new PlinthError('INVALID_ARGUMENT', `${name} is there twice.`, [
    { field, message: `expected a name once; ${name} stands at ${list}[${first}] already` },
  ]);
};
