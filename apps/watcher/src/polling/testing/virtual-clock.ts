import type { Clock } from '#libs/event-log';
import { Heap, type Queued } from '../heap.js';

interface Timer extends Queued {
  readonly callback: () => void;
}

/** A clock on which months pass in seconds: it jumps from timer to timer. */
export class VirtualClock implements Clock {
  private readonly timers = new Heap<Timer>();

  constructor(private ms = 0) {}

  now(): Date {
    return new Date(this.ms);
  }

  setTimeout(callback: () => void, ms: number): () => void {
    const timer: Timer = { key: this.ms + Math.max(0, ms), place: -1, callback };
    this.timers.push(timer);
    return () => this.timers.remove(timer);
  }

  /** Calls each timer at its time; promises that resolve at once go on before the next one. */
  async runTo(end: number): Promise<void> {
    let called = 0;
    for (let timer = this.timers.first; timer && timer.key <= end; timer = this.timers.first) {
      this.timers.remove(timer);
      this.ms = timer.key;
      timer.callback();
      for (let tick = 0; tick < microtasks; tick += 1) await Promise.resolve();
      // Signals, and whatever else the process waits for, get their turn.
      if (++called % 10_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.ms = end;
  }
}

/** As many as a look takes that is answered at once, and some more. */
const microtasks = 6;
