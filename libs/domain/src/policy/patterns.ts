/** Patterns of references: `*` stands for any characters, none included. Without a tag a pattern means every tag. */

const whole = (pattern: string): string => {
  const name = pattern.slice(pattern.lastIndexOf('/') + 1);
  return pattern === '*' || name.includes(':') || name.endsWith('*') ? pattern : `${pattern}:*`;
};

/** Whether a canonical reference fits a pattern. Linear: a hostile pattern costs no more than its length. */
export const fits = (pattern: string, reference: string): boolean => {
  const parts = whole(pattern).split('*');
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return reference === first;
  const last = rest.pop()!;
  if (!reference.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = reference.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return reference.length - last.length >= at && reference.endsWith(last);
};

export const fitsAny = (patterns: readonly string[], reference: string): boolean =>
  patterns.some((pattern) => fits(pattern, reference));

/** How much a pattern says: its characters that stand for themselves. The most specific one counts. */
export const specificity = (pattern: string): number => whole(pattern).replaceAll('*', '').length;

/** Whether there could be a reference that fits both. */
export const overlap = (one: string, other: string): boolean => {
  const [a, b] = [whole(one), whole(other)];
  // The row says for each beginning of `b` whether some text fits it and the beginning of `a` that is at hand.
  let row = Array.from({ length: b.length + 1 }, (_, j) => /^\**$/.test(b.slice(0, j)));
  for (const char of a) {
    const next = [char === '*' && row[0]!];
    for (let j = 1; j <= b.length; j++) {
      const star = char === '*' || b[j - 1] === '*';
      next.push(star ? row[j]! || next[j - 1]! || row[j - 1]! : row[j - 1]! && char === b[j - 1]);
    }
    row = next;
  }
  return row[b.length]!;
};
