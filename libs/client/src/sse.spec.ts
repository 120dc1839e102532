import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEvent } from '../../service/src/http/sse.js';
import { SseParser } from './sse.js';

describe('the event stream format', () => {
  it('is read back as it was written, wherever the network breaks it', () => {
    const event = fc.record({ id: fc.nat(), event: fc.stringMatching(/^[a-z.]{1,12}$/), data: fc.jsonValue() });
    fc.assert(
      fc.property(fc.array(event), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (events, sizes) => {
        const text = events.map(encodeEvent).join(': comment\n\n');
        const parser = new SseParser();
        const read = [];
        for (let from = 0, i = 0; from < text.length; i++) {
          const size = sizes[i % sizes.length]!;
          read.push(...parser.push(text.slice(from, from + size)));
          from += size;
        }
        expect(read.map(({ id, event: name, data }) => ({ id, event: name, data }))).toEqual(
          events.map(({ id, event: name, data }) => ({ id: String(id), event: name, data: JSON.stringify(data) })),
        );
      }),
    );
  });

  it('knows all three line ends, several data lines, comments and retry', () => {
    const parser = new SseParser();
    expect(parser.push('retry: 500\r\n: hello\r\ndata: a\rdata:b\n\n')).toEqual([
      { id: undefined, event: 'message', data: 'a\nb' },
    ]);
    expect(parser.retryMs).toBe(500);
    expect(parser.push('id: 1\nevent: x\n\n')).toEqual([]);
  });
});
