/**
 * A signal that aborts when `outer` does or after `ms` milliseconds. Unlike AbortSignal.timeout and AbortSignal.any,
 * which stay in memory until their time is over, it leaves nothing behind once it is disposed of: a client that makes
 * hundreds of calls a second would carry a minute of them.
 */
export class TimeLimit implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outer: AbortSignal | undefined;
  #isOver = false;

  constructor(ms: number, outer?: AbortSignal) {
    this.#outer = outer;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#controller.abort(new DOMException(`It took longer than ${ms} ms.`, 'TimeoutError'));
    }, ms);
    this.#timer.unref();
    if (outer?.aborted) this.#follow();
    else outer?.addEventListener('abort', this.#follow, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The time was over before it was disposed of. */
  get isOver(): boolean {
    return this.#isOver;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (): void => this.#controller.abort(this.#outer?.reason);
}
