import type { AdoptionRule } from './rule.js';

const inWords = (ms: number): string => {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms / 1000}s`;
};

/** Each digest has an age of its own: one that is replaced goes on ageing, so a tag that moves often is adopted too. */
export const minimumAge: AdoptionRule = {
  code: 'MinimumAge',
  objection: ({ since, now, settings: { minimumAgeMs, name } }) =>
    now - since < minimumAgeMs
      ? { reason: `${name} wants a digest to be ${inWords(minimumAgeMs)} old.`, until: since + minimumAgeMs }
      : undefined,
};
