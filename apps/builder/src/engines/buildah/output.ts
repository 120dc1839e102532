import type { LogLine, StepProgress } from '../engine.js';

export interface OutputListener {
  readonly onLog: (line: LogLine) => void;
  readonly onProgress: (progress: StepProgress) => void;
}

/** Reads what `buildah build` prints: its own `STEP 2/5: RUN …` lines, and between them what the steps print. */
export class BuildahOutput {
  #step: { name: string; startedAt: number; cached: boolean } | undefined;

  constructor(
    private readonly listener: OutputListener,
    private readonly now: () => number = () => performance.now(),
  ) {}

  stdout(text: string): void {
    const step = /^((?:\[[^\]]+\] )?STEP \d+\/\d+: .*)$/.exec(text)?.[1];
    if (step !== undefined) {
      this.#finish('done');
      this.#step = { name: step, startedAt: this.now(), cached: false };
      this.listener.onProgress({ step, name: step, status: 'started' });
    } else if (/^(?:\[[^\]]+\] )?COMMIT\b/.test(text)) {
      this.#finish('done');
    } else if (this.#step !== undefined && text.startsWith('--> Using cache ')) {
      this.#step.cached = true;
    }
    this.#log('stdout', text);
  }

  stderr(text: string): void {
    this.#log('stderr', text);
  }

  /** The build has ended. */
  end(succeeded: boolean): void {
    this.#finish(succeeded ? 'done' : 'error');
  }

  #log(stream: LogLine['stream'], text: string): void {
    this.listener.onLog({ stream, text, ...(this.#step === undefined ? {} : { step: this.#step.name }) });
  }

  #finish(status: 'done' | 'error'): void {
    if (this.#step === undefined) return;
    const { name, startedAt, cached } = this.#step;
    this.#step = undefined;
    const ms = Math.round(this.now() - startedAt);
    this.listener.onProgress({ step: name, name, status: cached && status === 'done' ? 'cached' : status, ms });
  }
}
