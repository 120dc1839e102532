import { InvalidArgumentError, Option } from 'commander';

/** Parsers of option values; what they refuse, commander reports with the name of the option. */

export const wholeNumber =
  (least: number, most: number, unit = '') =>
  (text: string): number => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < least || number > most) {
      throw new InvalidArgumentError(`expected a whole number${unit && ` of ${unit}`} from ${least} to ${most}`);
    }
    return number;
  };

/** `90s`, `10m`, `1h30m`; a number alone is seconds. In milliseconds. */
export const duration = (text: string): number => {
  const match = /^(?:(\d+)|(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?)$/.exec(text);
  if (!match) throw new InvalidArgumentError('expected a time such as 90s, 10m or 1h30m');
  const [, seconds = 0, h = 0, m = 0, s = 0] = match.map((part) => (part === undefined ? undefined : Number(part)));
  const milliseconds = (seconds + h * 3600 + m * 60 + s) * 1000;
  if (milliseconds <= 0 || milliseconds > 366 * 86_400_000) {
    throw new InvalidArgumentError('expected a time of more than nothing and at most a year');
  }
  return milliseconds;
};

/** `True` and `False` in any case, as az takes them. */
export const azBoolean = (text: string): boolean => {
  const lower = text.toLowerCase();
  if (lower !== 'true' && lower !== 'false') throw new InvalidArgumentError('expected True or False');
  return lower === 'true';
};

/** An option of az that takes True or False, and alone means True. */
export const booleanOption = (flag: string, description: string): Option =>
  new Option(`${flag} [boolean]`, description).argParser(azBoolean).preset('True');

/**
 * `--no-push`: alone, or with True or False as az takes it. Its value is null where it is not given, so that what is
 * not asked for is not changed.
 */
export const negatedOption = (flag: `--no-${string}`, description: string): Option =>
  new Option(`${flag} [boolean]`, description).argParser((text) => !azBoolean(text)).default(null, 'False');

/** One of these, in any case; answered in the spelling of the list. */
export const oneOf =
  <T extends string>(...values: readonly T[]) =>
  (text: string): T => {
    const found = values.find((value) => value.toLowerCase() === text.toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`expected one of ${values.join(', ')}`);
    return found;
  };

export const matching =
  (pattern: RegExp, expected: string) =>
  (text: string): string => {
    if (!pattern.test(text)) throw new InvalidArgumentError(`expected ${expected}`);
    return text;
  };

/** The same rules as in the contracts, so that what cannot be is not even asked for. */
export const taskName = matching(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/, '1 to 63 letters, digits, - or _');
export const runId = matching(/^[a-z][a-z0-9-]{0,40}$/, 'the id of a run, such as c4f2');
export const registryHost = matching(
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?$/,
  'a host such as ghcr.io or registry.local:5000',
);
export const accessName = matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, '1 to 63 letters, digits, ., - or _');
export const teamName = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  'the name of a team: 1 to 63 letters, digits, ., - or _',
);
export const platform = matching(
  /^(linux|windows|freebsd|darwin|wasi)\/[a-z0-9_]+(\/[A-Za-z0-9_.]+)?$/,
  'a platform like linux/amd64 or linux/arm/v7',
);
export const digest = matching(/^sha256:[0-9a-f]{64}$/, 'a digest: sha256: and 64 hexadecimal digits');
export const secretRef = matching(
  /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,62}(?:@[0-9]+)?|env:[A-Za-z_][A-Za-z0-9_]*|file:\/.+)$/,
  'a stored secret (name or name@version), env:NAME or file:/path',
);
export const nonEmpty = matching(/\S/, 'something that is not empty');

/** For options that may be given several times: keeps them all. */
export const collect =
  <T>(parse: (text: string) => T) =>
  (text: string, before: readonly T[] | undefined): T[] => [...(before ?? []), parse(text)];
