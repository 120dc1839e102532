import type { LogLine } from '#libs/contracts';

export type NewLogLine = Omit<LogLine, 'offset'>;

export interface ReadLogOptions {
  /** Only lines after this offset; -1 for all. */
  readonly after?: number;
  /** Waits for more until the log is ended. */
  readonly follow?: boolean;
  readonly signal: AbortSignal;
}

/** Output of runs, line by line. Offsets count from 0, over all attempts of the run. */
export interface RunLogs {
  /** Appends lines as one chunk, at most about 1 MB. */
  append(run: string, lines: readonly NewLogLine[]): Promise<void>;
  /** The attempt says nothing more; followers end, unless another attempt has begun. */
  end(run: string): Promise<void>;
  read(run: string, options: ReadLogOptions): AsyncIterable<LogLine>;
}
