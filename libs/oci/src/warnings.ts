const WARNING = /299\s+\S+\s+"((?:[^"\\]|\\.)*)"/g;
const MAX_TEXT = 500;

/** The texts of `Warning: 299 - "…"` headers (OCI distribution-spec, "Warnings"); others are HTTP's own and ignored. */
export function parseWarnings(headers: string | readonly string[]): string[] {
  return (typeof headers === 'string' ? [headers] : headers).flatMap((value) =>
    [...value.matchAll(WARNING)].map(([, text = '']) =>
      text
        .replace(/\\(.)/g, '$1')
        // eslint-disable-next-line no-control-regex
        .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
        .slice(0, MAX_TEXT),
    ),
  );
}
