const shown = '***';

/**
 * Replaces secret values in text. Lines of a value are secret by themselves, as output arrives line by line; a line of
 * fewer than three characters is not, or every `}` of a log would vanish.
 */
export function redactor(secrets: Readonly<Record<string, string>>): (text: string) => string {
  const values = new Set<string>();
  const add = (value: string) => {
    // JSON quotes, and so do single quotes around a value: in shells, and where one stands in a Dockerfile.
    for (const form of [value, value.replaceAll("'", `'"'"'`)]) values.add(form).add(JSON.stringify(form).slice(1, -1));
  };
  for (const value of Object.values(secrets)) {
    if (value !== '') add(value);
    for (const line of value.split(/\r?\n/)) if (line.trim().length >= 3) add(line.trim());
  }
  // The longest first, or a part would hide the whole.
  const ordered = [...values].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((result, value) => result.replaceAll(value, shown), text);
}
