import type { LogLine } from '#libs/contracts';
import type { NewLogLine, ReadLogOptions, RunLogs } from '../ports/run-logs.js';

interface Log {
  readonly lines: LogLine[];
  ended: boolean;
  readonly waiting: Set<() => void>;
}

export class MemoryRunLogs implements RunLogs {
  readonly #logs = new Map<string, Log>();

  #log(run: string): Log {
    let log = this.#logs.get(run);
    if (!log) this.#logs.set(run, (log = { lines: [], ended: false, waiting: new Set() }));
    return log;
  }

  append(run: string, lines: readonly NewLogLine[]): Promise<void> {
    const log = this.#log(run);
    if (lines.length > 0) log.ended = false;
    for (const line of lines) log.lines.push({ offset: log.lines.length, ...line });
    for (const wake of log.waiting) wake();
    return Promise.resolve();
  }

  end(run: string): Promise<void> {
    const log = this.#log(run);
    log.ended = true;
    for (const wake of log.waiting) wake();
    return Promise.resolve();
  }

  async *read(run: string, { after = -1, follow = false, signal }: ReadLogOptions): AsyncGenerator<LogLine> {
    const log = this.#log(run);
    for (let next = after + 1; !signal.aborted;) {
      const line = log.lines[next];
      if (line) {
        next += 1;
        yield line;
      } else if (!follow || log.ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            log.waiting.delete(wake);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          log.waiting.add(wake);
          signal.addEventListener('abort', wake, { once: true });
        });
      }
    }
  }
}
