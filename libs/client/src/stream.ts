import { setTimeout as sleep } from 'node:timers/promises';
import { fromProblem, PlinthError } from '#libs/contracts/light';
import { backoffMs, ConnectionError } from './retry.js';
import { SseParser } from './sse.js';

type Item = Record<string, unknown>;

/** Reads items from one connection; `end` says that the stream is over, its absence that the connection broke. */
async function* connection(
  response: Response,
  parser: SseParser,
): AsyncGenerator<{ id: string | undefined; item: Item } | 'end'> {
  if (!response.body) return;
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      for (const event of parser.push(decoder.decode(chunk, { stream: true }))) {
        if (event.event === 'end') {
          yield 'end';
          return;
        }
        const data = JSON.parse(event.data) as Item;
        if (event.event === 'problem') throw fromProblem(data) ?? new PlinthError('INTERNAL', event.data);
        yield { id: event.id, item: data };
      }
    }
  } catch (error) {
    if (error instanceof PlinthError || (error as Error).name === 'AbortError') throw error;
    throw new ConnectionError('The connection broke while a stream was read.', { cause: error });
  }
}

/**
 * All items of a stream, over as many connections as it takes. Each connection begins after the last item that was
 * read, so none is missed and none comes twice.
 *
 * @param open opens a connection that begins after `lastEventId`
 */
export async function* resumed(
  open: (lastEventId: string | undefined) => Promise<Response>,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly attempts?: number | undefined;
    readonly firstDelayMs?: number | undefined;
  },
): AsyncGenerator<Item> {
  let last: string | undefined;
  let failures = 0;
  let anonymous = false;
  for (;;) {
    const parser = new SseParser();
    try {
      for await (const read of connection(await open(last), parser)) {
        if (read === 'end') return;
        failures = 0;
        if (read.id === undefined) anonymous = true;
        else last = read.id;
        yield read.item;
      }
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      failures++;
      if (failures >= (options.attempts ?? 10)) throw error;
    }
    if (options.signal?.aborted) return;
    if (anonymous) throw new PlinthError('UNAVAILABLE', 'The stream broke, and its items have no ids to go on from.');
    const wait = Math.min(parser.retryMs ?? Infinity, backoffMs(failures + 1, options.firstDelayMs));
    await sleep(wait, undefined, options.signal ? { signal: options.signal } : {});
  }
}
