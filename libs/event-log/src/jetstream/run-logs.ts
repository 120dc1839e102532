import { randomUUID } from 'node:crypto';
import { DeliverPolicy, type JetStreamClient } from '@nats-io/jetstream';
import { logSubject, streams, type LogLine } from '#libs/contracts';
import { sleep, type Clock } from '../clock.js';
import type { NewLogLine, ReadLogOptions, RunLogs } from '../ports/run-logs.js';
import { isPassing } from './api-errors.js';

interface Chunk {
  readonly lines: readonly NewLogLine[];
  readonly end?: true;
}

/** Logs of runs on JetStream: a message per chunk, a subject per run; the number of a line is its place. */
export class JetStreamRunLogs implements RunLogs {
  constructor(
    private readonly js: JetStreamClient,
    private readonly clock: Clock,
  ) {}

  async append(run: string, lines: readonly NewLogLine[]): Promise<void> {
    if (lines.length > 0) await this.#publish(run, { lines });
  }

  end(run: string): Promise<void> {
    return this.#publish(run, { lines: [], end: true });
  }

  async #publish(run: string, chunk: Chunk): Promise<void> {
    const msgID = randomUUID();
    const body = JSON.stringify(chunk);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.js.publish(logSubject(run), body, { msgID, timeout: 5_000 });
        return;
      } catch (error) {
        if (attempt === 10 || !isPassing(error)) throw error;
        await sleep(this.clock, Math.min(50 * 2 ** attempt, 5_000));
      }
    }
  }

  async *read(run: string, { after = -1, follow = false, signal }: ReadLogOptions): AsyncGenerator<LogLine> {
    const consumer = await this.js.consumers.get(streams.logs, {
      filter_subjects: logSubject(run),
      deliver_policy: DeliverPolicy.All,
      inactive_threshold: 60_000,
    });
    const { num_pending: initial } = await consumer.info(true);
    if (initial === 0 && !follow) return;
    const messages = await consumer.consume({ max_messages: 200, idle_heartbeat: 2_000 });
    const close = (): void => void messages.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    try {
      let offset = 0;
      for await (const message of messages) {
        const { lines, end } = message.json<Chunk>();
        for (const line of lines) {
          if (offset > after) yield { offset, ...line };
          offset += 1;
        }
        // An end that something follows belongs to an attempt before the last.
        if (message.info.pending === 0 && (end || !follow)) return;
      }
    } finally {
      signal.removeEventListener('abort', close);
      await messages.close();
    }
  }
}
