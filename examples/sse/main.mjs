/**
 * Follows `GET /v1/events` (server-sent events) with `fetch`, and goes on after the last event that it has handled:
 * after a broken connection, a restart of Plinth, and a restart of its own. Prints each event as one line of JSON.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const {
  PLINTH_URL = 'http://127.0.0.1:7460',
  PLINTH_TOKEN = '',
  // `run,wave.closed`; all without.
  TYPES = '',
  // Where the position of the last event is kept. Without it, it begins with what happens next.
  STATE = '',
} = process.env;

let last =
  STATE === ''
    ? ''
    : await readFile(STATE, 'utf8').then(
        (text) => text.trim(),
        () => '',
      );
let waitMs = 2000;

const handle = async ({ event, id, data }) => {
  if (event === 'end') return;
  // The answer was begun already, so an error comes as an event: problem details, as of any answer.
  if (event === 'problem') throw new Error(`Plinth ended the stream: ${JSON.parse(data).detail}`);
  process.stdout.write(`${data}\n`);
  if (id === undefined) return;
  last = id;
  if (STATE === '') return;
  // Written whole or not at all, and after the event was handled: at worst one is handled twice.
  await writeFile(`${STATE}.new`, last);
  await rename(`${STATE}.new`, STATE);
};

/** Fields of one event (HTML standard §9.2.6); undefined for a comment or a bare `retry`. */
const parse = (block) => {
  const found = { data: [] };
  for (const line of block.split(/\r\n|\r|\n/)) {
    const [, field, value] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === 'data') found.data.push(value ?? '');
    else if (field === 'id' || field === 'event') found[field] = value ?? '';
    else if (field === 'retry' && /^\d+$/.test(value ?? '')) waitMs = Number(value);
  }
  return found.data.length === 0 ? undefined : { ...found, data: found.data.join('\n') };
};

const follow = async () => {
  const url = new URL('/v1/events', PLINTH_URL);
  if (TYPES !== '') url.searchParams.set('types', TYPES);
  const response = await fetch(url, {
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${PLINTH_TOKEN}`,
      ...(last === '' ? {} : { 'last-event-id': last }),
    },
  });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({ detail: response.statusText }));
    // What the caller has done wrong does not get better by asking again: a token, or events that are archived.
    if (response.status < 500 && response.status !== 429) {
      process.stderr.write(`${response.status}: ${problem.detail}\n`);
      process.exit(1);
    }
    throw new Error(problem.detail);
  }
  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split(/\r\n\r\n|\n\n|\r\r/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parse(block);
      if (event) await handle(event);
    }
  }
};

for (;;) {
  try {
    await follow();
  } catch (error) {
    process.stderr.write(`${error.message}; trying again\n`);
  }
  await delay(waitMs);
}
