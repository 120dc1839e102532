import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogLine, StepProgress } from '../engine.js';
import { RawJsonReader } from './raw-json.js';

function read(lines: readonly string[]) {
  const logs: LogLine[] = [];
  const progress: StepProgress[] = [];
  const other: string[] = [];
  const reader = new RawJsonReader({
    onLog: (line) => logs.push(line),
    onProgress: (step) => progress.push(step),
    onOther: (line) => other.push(line),
  });
  for (const line of lines) reader.line(line);
  reader.end();
  return { logs, progress, other };
}

const status = (value: object) => JSON.stringify(value, null, 2).split('\n');
const printed = (vertex: string, text: string | Buffer, stream = 1) => ({
  logs: [{ vertex, stream, data: Buffer.from(text).toString('base64') }],
});
const run = { digest: 'sha256:a', name: '[2/2] RUN make', started: '2026-01-01T00:00:00Z' };

describe('the progress of buildx', () => {
  it('is read whether it is printed over many lines or on one', () => {
    const value = { vertexes: [run], ...printed('sha256:a', 'hello\n') };
    const expected = [{ stream: 'stdout', text: 'hello', step: '[2/2] RUN make' }];
    expect(read(status(value)).logs).toEqual(expected);
    expect(read([JSON.stringify(value)]).logs).toEqual(expected);
  });

  it('reports each step once when it starts and once when it ends, with its time', () => {
    const done = { ...run, completed: '2026-01-01T00:00:01.5Z' };
    const { progress } = read([run, run, done, done].flatMap((vertex) => status({ vertexes: [vertex] })));
    expect(progress.map((step) => [step.status, step.ms])).toEqual([
      ['started', undefined],
      ['done', 1500],
    ]);
  });

  it('keeps the words of the client apart', () => {
    expect(read([...status({ vertexes: [run] }), 'ERROR: failed to solve: no']).other).toEqual([
      'ERROR: failed to solve: no',
    ]);
  });

  it('passes on the last line of a step that ended without a newline', () => {
    const end = { vertexes: [{ ...run, completed: '2026-01-01T00:00:01Z' }], ...printed('sha256:a', 'last', 2) };
    expect(read([...status({ vertexes: [run] }), ...status(end)]).logs).toEqual([
      { stream: 'stderr', text: 'last', step: '[2/2] RUN make' },
    ]);
  });

  it('loses no line and no character, however the output is cut', () => {
    const text = fc.array(
      fc.string({ unit: 'grapheme' }).map((line) => line.replace(/[\r\n]/g, '')),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(text, fc.array(fc.nat(64)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const pieces: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          pieces.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        pieces.push(bytes.subarray(at));
        const seen = read(pieces.flatMap((piece) => status(printed('sha256:a', piece)))).logs;
        expect(seen.map((line) => line.text)).toEqual(lines);
      }),
    );
  });
});
