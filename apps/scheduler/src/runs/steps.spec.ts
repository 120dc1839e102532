import { describe, expect, it } from 'vitest';
import type { LogLine } from '#libs/contracts';
import { stepsOf } from './steps.js';

type Progress = NonNullable<LogLine['progress']>;
const at = '2026-11-25T10:00:00.000Z';
const line = (step: string | null, progress?: Progress, stream: LogLine['stream'] = 'plinth'): LogLine => ({
  offset: 0,
  at,
  stream,
  step,
  text: 'x',
  ...(progress && { progress }),
});
const progress = (status: Progress['status'], milliseconds: number | null = null, attempt = 1): Progress => ({
  attempt,
  status,
  milliseconds,
});
const log = async function* (...lines: LogLine[]): AsyncGenerator<LogLine> {
  yield* lines;
};
const brief = async (lines: AsyncIterable<LogLine>, hasEnded = true) =>
  (await stepsOf(lines, hasEnded)).steps.map(({ name, status, milliseconds, lines: printed }) =>
    [name, status, milliseconds, printed].join(' '),
  );

describe('the steps of a run', () => {
  it('begin, are taken from the cache, end and fail, and have lines', async () => {
    const found = await brief(
      log(
        line(null),
        line('a', progress('Started')),
        line('b', progress('Cached')),
        line('a', undefined, 'stdout'),
        line('a', undefined, 'stderr'),
        line('a', progress('Done', 12)),
        line('c', progress('Started')),
        line('c', progress('Failed', 3)),
      ),
    );
    expect(found).toEqual(['a Succeeded 12 2', 'b Cached  0', 'c Failed 3 0']);
  });

  it('run until they end, or the run does', async () => {
    const lines = () => log(line('a', progress('Started')));
    expect(await brief(lines(), false)).toEqual(['a Running  0']);
    expect(await brief(lines(), true)).toEqual(['a Canceled  0']);
  });

  it('are those of the last attempt that has any', async () => {
    const found = await stepsOf(
      log(
        line('a', progress('Started', null, 1)),
        line('a', undefined, 'stdout'),
        line('a', progress('Done', 1, 2)),
        line(null),
      ),
      true,
    );
    expect(found).toEqual({
      attempt: 2,
      steps: [{ name: 'a', status: 'Succeeded', startTime: at, milliseconds: 1, lines: 0 }],
    });
    expect(await stepsOf(log(line(null)), true)).toEqual({ attempt: null, steps: [] });
  });
});
