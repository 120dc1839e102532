export interface ServerSentEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

/** Longest line that is kept; a longer one is no stream of ours. */
const maxLine = 8 * 1024 * 1024;

/** Reads the event stream format of the HTML standard §9.2.6, from pieces that may break anywhere. */
export class SseParser {
  #rest = '';
  #data: string[] = [];
  #event = '';
  #id: string | undefined;
  /** What the server said with `retry:`, in milliseconds. */
  retryMs: number | undefined;

  /** The events that are complete with this piece. */
  push(text: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    this.#rest += text;
    for (;;) {
      const match = /\r\n|\n|\r(?!$)/.exec(this.#rest);
      if (!match) break;
      const line = this.#rest.slice(0, match.index);
      this.#rest = this.#rest.slice(match.index + match[0].length);
      const event = this.#line(line);
      if (event) events.push(event);
    }
    if (this.#rest.length > maxLine) throw new Error('The event stream has a line without end.');
    return events;
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === '') {
      const event = { id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') };
      const has = this.#data.length > 0;
      this.#data = [];
      this.#event = '';
      return has ? event : undefined;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }
}
