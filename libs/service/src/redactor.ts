/** Shorter values would blank out half of every text. */
const shortest = 4;

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/**
 * Base64 texts that contain `value` at any of the three alignments, without the characters that depend on what
 * stands before and after it: `user:secret` in a Basic header is found too.
 */
const base64Forms = (value: string): string[] => {
  const bytes = Buffer.from(value, 'utf8');
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const from = Math.ceil((shift * 8) / 6);
    const until = Math.floor(((shift + bytes.length) * 8) / 6);
    const inner = text.slice(from, until);
    return inner.length < 6 ? [] : [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
};

const formsOf = (value: string): string[] => [
  value,
  // As it stands inside JSON text and URLs.
  JSON.stringify(value).slice(1, -1),
  encodeURIComponent(value),
  new URLSearchParams({ v: value }).toString().slice(2),
  ...base64Forms(value),
];

/** Takes known secret values out of texts: logs, errors, run output. */
export class Redactor {
  static readonly mark = '•••';
  readonly #forms = new Set<string>();
  #pattern: RegExp | undefined;

  /** From now on `value` is taken out, plain, base64 and url-encoded. Values under 4 characters are ignored. */
  add(value: string): void {
    for (const whole of [value, value.trim()]) {
      if (whole.length < shortest) continue;
      for (const form of formsOf(whole)) if (form.length >= shortest) this.#forms.add(form);
    }
    this.#pattern = undefined;
  }

  redact(text: string): string {
    if (this.#forms.size === 0) return text;
    this.#pattern ??= new RegExp(
      [...this.#forms]
        .sort((a, b) => b.length - a.length)
        .map(escapeRegExp)
        .join('|'),
      'g',
    );
    return text.replace(this.#pattern, Redactor.mark);
  }
}
