/** The middle of some numbers; undefined of none. */
export const median = (values: readonly number[]): number | undefined => {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
};

const units = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;

/** `95` → `1 minute 35 seconds`; `90_000` → `1 day 1 hour`: the two largest units, as people say it. */
export const spoken = (seconds: number): string => {
  const whole = Math.round(seconds);
  const at = units.findIndex(([size]) => whole >= size);
  if (at < 0) return 'less than a second';
  const [size, unit] = units[at]!;
  const smaller = units[at + 1];
  const first = counted(Math.floor(whole / size), unit);
  const rest = smaller ? Math.floor((whole % size) / smaller[0]) : 0;
  return smaller && rest > 0 ? `${first} ${counted(rest, smaller[1])}` : first;
};
