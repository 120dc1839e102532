import { usageError } from '../errors.js';

type Json = unknown;

/**
 * The fields of `--json`, of one thing or of each in a list.
 *
 * @throws CliError (usage) when nothing has a field of that name; the message lists those that there are
 */
export const pickFields = (value: Json, names: readonly string[]): Json => {
  const items = (Array.isArray(value) ? value : [value]) as Record<string, Json>[];
  const known = new Set(items.flatMap((item) => Object.keys(item)));
  const unknown = names.filter((name) => !known.has(name));
  if (items.length > 0 && unknown.length > 0) {
    throw usageError(`There is no field ${unknown.join(', ')}.`, `--json takes ${[...known].sort().join(', ')}`);
  }
  const picked = items.map((item) => Object.fromEntries(names.map((name) => [name, item[name] ?? null])));
  return Array.isArray(value) ? picked : picked[0];
};

/**
 * What jq prints for an expression: texts as they are, everything else as JSON, a line each.
 *
 * @throws CliError (usage) with jq's own words
 */
export const jq = async (value: Json, expression: string): Promise<string> => {
  // A megabyte of WebAssembly: loaded for those who ask.
  const { raw } = await import('jq-wasm');
  try {
    const text = await raw(JSON.stringify(value), expression, ['-r', '-c']);
    return text === '' || text.endsWith('\n') ? text : `${text}\n`;
  } catch (error) {
    const [words = ''] = (error as Error).message.replace(/^jq: error:?\s*/, '').split('\n');
    throw usageError(`jq does not take '${expression}': ${words.trim()}`, 'correct --jq');
  }
};

/**
 * az's `--query`, as far as it is a path: `identity.principalId`, `[].name`, `[0].status`. What is not there is null.
 *
 * @throws CliError (usage) for any other JMESPath expression
 */
export const queryPath = (value: Json, query: string): Json => {
  const part = /^(?:\.?([A-Za-z_][A-Za-z0-9_]*)|\[(-?\d*)\])/;
  const match = part.exec(query);
  if (!match) throw usageError(`--query takes a path such as step.imageNames[0], not "${query}".`, 'use --jq');
  const [whole, name, index] = match;
  const rest = query.slice(whole.length);
  const onward = (one: Json): Json => (rest === '' ? one : queryPath(one ?? null, rest));
  if (name !== undefined) {
    const found = typeof value === 'object' && value !== null ? (value as Record<string, Json>)[name] : undefined;
    return onward(found ?? null);
  }
  if (!Array.isArray(value)) return onward(null);
  return index === '' ? value.map(onward) : onward(value.at(Number(index)) ?? null);
};
