import type { Logger } from '#libs/event-log';
import type { LogSink, LogStream, RunLogLine, SecretRedactor, StepReport } from '../ports.js';
import type { BuilderClock } from '../time.js';

export const flushAfterMs = 250;
export const flushAtBytes = 64 * 1024;
/** What is kept while the log cannot be reached; a build must not fill memory with its output. */
export const keptBytes = 4 * 1024 * 1024;

/** Longer lines are cut: a program that never ends its line must not make a chunk that no message can hold. */
const longestLine = 64 * 1024;
const shortened = (text: string): string =>
  text.length <= longestLine ? text : `${text.slice(0, longestLine)}… (${text.length - longestLine} characters more)`;

const sizeOf = (line: RunLogLine | undefined): number =>
  line ? Buffer.byteLength(line.text) + (line.progress ? 128 : 64) : 0;

/** Output of one run, in chunks of at most 250 ms or 64 KiB, in order, without secrets. */
export class LogWriter {
  #waiting: RunLogLine[] = [];
  #bytes = 0;
  #dropped = 0;
  #sending: Promise<void> = Promise.resolve();
  #busy = false;
  #cancelTimer: (() => void) | undefined;

  constructor(
    private readonly run: string,
    private readonly attempt: number,
    private readonly sink: LogSink,
    private readonly redactor: SecretRedactor,
    private readonly clock: BuilderClock,
    private readonly logger: Logger,
  ) {}

  /** A line of ours, a sentence for people. */
  say(text: string): void {
    this.write('plinth', text);
  }

  /** Tells how a step is getting on: in words for readers of the log, and as data. */
  progress(step: string, { status, milliseconds }: StepReport): void {
    const words = {
      Started: step,
      Cached: 'From the cache.',
      Done: milliseconds === null ? 'Done.' : `Done in ${milliseconds} ms.`,
      Failed: milliseconds === null ? 'Failed.' : `Failed after ${milliseconds} ms.`,
    };
    this.write('plinth', words[status], step, { status, milliseconds });
  }

  write(stream: LogStream, text: string, step: string | null = null, progress?: StepReport): void {
    const line: RunLogLine = {
      at: this.clock.now().toISOString(),
      stream,
      step: step === null ? null : this.redactor.redact(step),
      text: shortened(this.redactor.redact(text)),
      ...(progress && { progress: { ...progress, attempt: this.attempt } }),
    };
    const bytes = sizeOf(line);
    if (this.#bytes + bytes > keptBytes) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(line);
    this.#bytes += bytes;
    if (this.#bytes >= flushAtBytes) this.#send();
    else this.#cancelTimer ??= this.clock.setTimeout(() => this.#send(), flushAfterMs);
  }

  /** Everything that was written is sent, or could not be. */
  async flush(): Promise<void> {
    this.#send();
    await this.#sending;
  }

  /** No line follows: readers that follow the log come to its end. */
  async end(): Promise<void> {
    await this.flush();
    await this.sink.end(this.run).catch((error: unknown) => this.#complain(error));
  }

  #send(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#busy || (this.#waiting.length === 0 && this.#dropped === 0)) return;
    this.#busy = true;
    this.#sending = this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0 || this.#dropped > 0) {
        const lines = this.#nextChunk();
        if (this.#dropped > 0 && this.#waiting.length === 0) {
          const at = this.clock.now().toISOString();
          const text = `${this.#dropped} lines are missing here: the log could not be written fast enough.`;
          lines.push({ at, stream: 'plinth', step: null, text });
          this.#dropped = 0;
        }
        await this.sink.append(this.run, lines);
      }
    } catch (error) {
      this.#complain(error);
    } finally {
      this.#busy = false;
    }
  }

  /** No more than a chunk takes, also when much has waited while the log was away. */
  #nextChunk(): RunLogLine[] {
    let [count, bytes] = [0, 0];
    while (count < this.#waiting.length && bytes < flushAtBytes) bytes += sizeOf(this.#waiting[count++]);
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  #complain(error: unknown): void {
    this.logger.warn({ run: this.run, err: error }, 'Lines of the run could not be written to its log.');
  }
}
