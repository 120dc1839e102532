import type { Io } from '../io.js';
import { usageError } from '../errors.js';
import type { CommonOptions } from '../options.js';
import { wantsColour } from './colour.js';
import type { OutputFormat } from './formats.js';
import { jq, pickFields, queryPath } from './json.js';
import { fieldLines, tableLines, type Column } from './table.js';
import { harmless } from './terminal.js';

export interface Listing<T, R = T> {
  readonly items: readonly T[];
  /** Rows of the table, where they are not the items as they come. */
  readonly rows?: readonly R[];
  readonly columns: readonly Column<R>[];
  /** What `-o name` prints. */
  readonly name: (item: T) => string;
  /** Said on stderr when there is nothing: why, and what to do. */
  readonly empty: string;
}

export interface Showing<T extends object> {
  readonly item: T;
  readonly name: string;
  readonly fields: readonly (readonly [string, string | readonly string[] | null | undefined])[];
}

/** Prints data to stdout in the format that was asked for, and everything else to stderr. */
export class Printer {
  readonly colour: boolean;
  private readonly asked: OutputFormat | undefined;

  constructor(
    private readonly io: Pick<Io, 'stdout' | 'stderr' | 'env'>,
    private readonly options: CommonOptions,
  ) {
    const { output, json, jq: expression, query } = options;
    if (output !== undefined && (json !== undefined || expression !== undefined) && output !== 'json') {
      throw usageError(`--json and --jq print JSON; -o ${output} cannot be given with them.`);
    }
    if (expression !== undefined && query !== undefined) throw usageError('Give --jq or --query, not both.');
    this.asked = output;
    this.colour = wantsColour(io.stdout, io.env, options.color);
  }

  /** Everything is JSON: what another program reads. */
  get isJson(): boolean {
    const { json, jq: expression, query } = this.options;
    if (json !== undefined || expression !== undefined) return true;
    // As az does: a query is JSON unless another format is asked for.
    return this.asked === 'json' || (query !== undefined && this.asked === undefined);
  }
  get format(): OutputFormat {
    return this.isJson ? 'json' : (this.asked ?? 'table');
  }
  private get isForPeople(): boolean {
    return (this.format === 'table' || this.format === 'wide') && this.options.query === undefined;
  }
  /** Whether somebody watches: progress goes to terminals alone. */
  get isWatched(): boolean {
    return this.io.stderr.isTTY === true;
  }

  async list<T extends object, R = T>({ items, rows, columns, name, empty }: Listing<T, R>): Promise<void> {
    if (this.format === 'name') return this.lines(items.map(name));
    if (!this.isForPeople) return this.value(items);
    if (items.length === 0) return this.note(empty);
    this.lines(
      tableLines(rows ?? (items as readonly unknown[] as readonly R[]), columns, {
        wide: this.format === 'wide',
        colour: this.colour,
      }),
    );
  }

  async show<T extends object>({ item, name, fields }: Showing<T>): Promise<void> {
    if (this.format === 'name') return this.lines([name]);
    if (!this.isForPeople) return this.value(item);
    this.lines(fieldLines(fields));
  }

  /** An answer as JSON, YAML or values with tabs, filtered as asked. */
  async value(value: unknown): Promise<void> {
    const { jq: expression } = this.options;
    const picked = this.picked(value);
    if (expression !== undefined) return this.data(await jq(picked, expression));
    if (this.asked === 'yaml') return this.data(await yamlOf(picked));
    if (this.asked === 'tsv') return this.data(tsv(picked));
    this.data(`${JSON.stringify(picked, undefined, 2)}\n`);
  }

  /** One item of a stream: a line of JSON, or `text`. */
  async item(item: object, text: () => string): Promise<void> {
    if (this.isForPeople) return this.lines([text()]);
    const { jq: expression } = this.options;
    const picked = this.picked(item);
    if (expression !== undefined) return this.data(await jq(picked, expression));
    if (this.asked === 'yaml') return this.data(`---\n${await yamlOf(picked)}`);
    if (this.asked === 'tsv') return this.data(tsv(picked));
    this.data(`${JSON.stringify(picked)}\n`);
  }

  private picked(value: unknown): unknown {
    const { json, query } = this.options;
    const fields = json === undefined ? value : pickFields(value, json);
    return query === undefined ? fields : queryPath(fields, query);
  }

  lines(lines: readonly string[]): void {
    if (lines.length > 0) this.data(harmless(`${lines.join('\n')}\n`));
  }
  /** What a program reads goes into a pipe as it is. */
  data(text: string): void {
    this.io.stdout.write(this.io.stdout.isTTY === true ? harmless(text) : text);
  }
  /** A sentence beside the data. */
  note(text: string): void {
    this.io.stderr.write(`${harmless(text)}\n`);
  }
  /** A sentence for people who watch; says nothing into a pipe. */
  progress(text: string): void {
    if (this.isWatched) this.note(text);
  }
}

const yamlOf = async (value: unknown): Promise<string> => (await import('yaml')).stringify(value);

/** az's `-o tsv`: the values of each item with tabs between. */
const tsv = (value: unknown): string => {
  const rows = Array.isArray(value) ? value : [value];
  const text = (one: unknown): string =>
    one === null || one === undefined ? '' : typeof one === 'object' ? JSON.stringify(one) : `${one as string}`;
  return rows
    .map((row) => (row !== null && typeof row === 'object' ? Object.values(row).map(text).join('\t') : text(row)))
    .map((line) => `${line}\n`)
    .join('');
};
