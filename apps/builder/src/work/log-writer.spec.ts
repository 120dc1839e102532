import { describe, expect, it } from 'vitest';
import { silentLogger } from '#libs/event-log';
import { FakeClock } from '#libs/testing';
import { MemoryLogSink } from '../testing/doubles.js';
import { withMonotonic } from '../time.js';
import { keptBytes, LogWriter } from './log-writer.js';

const setup = () => {
  const clock = new FakeClock();
  const sink = new MemoryLogSink();
  const redactor = { add: () => undefined, redact: (text: string) => text.replaceAll('secret', '•••') };
  return { clock, sink, log: new LogWriter('r1', 3, sink, redactor, withMonotonic(clock), silentLogger) };
};

describe('the log of a run', () => {
  it('is written in chunks: what comes within a quarter of a second goes together, in order', async () => {
    const { clock, sink, log } = setup();
    for (const text of ['one', 'two', 'the secret']) log.write('stdout', text, 'RUN secret');
    expect(sink.chunks).toBe(0);
    await clock.advance(250);
    expect(sink.chunks).toBe(1);
    expect(sink.lines.map(({ text }) => text)).toEqual(['one', 'two', 'the •••']);
    expect(sink.lines[0]?.step).toBe('RUN •••');
  });

  it('does not wait when much comes at once', async () => {
    const { sink, log } = setup();
    for (let i = 0; i < 70; i++) log.write('stdout', 'x'.repeat(1024));
    await log.flush();
    expect(sink.chunks).toBe(2);
    expect(sink.lines).toHaveLength(70);
  });

  it('cuts a line that no chunk could hold', async () => {
    const { sink, log } = setup();
    log.write('stdout', 'x'.repeat(70_000));
    await log.flush();
    expect(sink.lines[0]?.text).toMatch(/^x{65536}… \(4464 characters more\)$/);
  });

  it('says how many lines are missing when it could not be written fast enough', async () => {
    const { clock, sink, log } = setup();
    const { promise, resolve } = Promise.withResolvers<void>();
    const append = sink.append.bind(sink);
    sink.append = async (run, lines) => {
      await promise;
      await append(run, lines);
    };
    log.say('first');
    await clock.advance(250);
    const line = 'x'.repeat(64 * 1024);
    for (let i = 0; i < keptBytes / line.length + 9; i++) log.write('stdout', line);
    resolve();
    await log.end();
    expect(sink.lines.at(-1)?.text).toMatch(/^\d+ lines are missing here/);
    expect(sink.ended).toEqual(['r1']);
  });
});
