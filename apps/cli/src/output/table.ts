import { stripVTControlCharacters } from 'node:util';

export interface Column<T> {
  readonly title: string;
  readonly value: (item: T) => string | number | null | undefined;
  /** Shown with `-o wide` alone. */
  readonly wide?: boolean;
  /** How to colour the text on a terminal. */
  readonly paint?: (text: string) => string;
}

/** Text from elsewhere in one cell: one line, and nothing that steers a terminal. */
// oxlint-disable-next-line no-control-regex -- control characters are what it takes away
export const cell = (text: string): string => stripVTControlCharacters(text).replaceAll(/\p{Cc}+/gu, ' ');

/** Lines of a table: titles in capitals, two spaces between columns, nothing behind the last one. */
export const tableLines = <T>(
  items: readonly T[],
  columns: readonly Column<T>[],
  { wide = false, colour = false }: { readonly wide?: boolean; readonly colour?: boolean } = {},
): string[] => {
  const shown = columns.filter((column) => wide || !column.wide);
  const rows = items.map((item) => shown.map(({ value }) => cell(String(value(item) ?? ''))));
  const titles = shown.map(({ title }) => title.toUpperCase());
  const widths = titles.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index]!.length)));
  const line = (cells: readonly string[], paint: boolean): string =>
    cells
      .map((text, index) => {
        const padding = index === cells.length - 1 ? '' : ' '.repeat(widths[index]! - text.length);
        return ((paint && colour && shown[index]!.paint?.(text)) || text) + padding;
      })
      .join('  ')
      .trimEnd();
  return [line(titles, false), ...rows.map((row) => line(row, true))];
};

/** Lines of one thing: a label and a value each. A list of values goes on below its first one. */
export const fieldLines = (
  fields: readonly (readonly [string, string | readonly string[] | null | undefined])[],
): string[] => {
  const shown = fields.flatMap(([label, value]) => {
    const values = (Array.isArray(value) ? (value as string[]) : [value ?? '']) as readonly string[];
    return values
      .filter((text) => text !== '')
      .map((text, index) => [index === 0 ? `${label}:` : '', cell(text)] as const);
  });
  const width = Math.max(0, ...shown.map(([label]) => label.length));
  return shown.map(([label, text]) => `${label.padEnd(width)}  ${text}`);
};
