import { describe, expect, it } from 'vitest';
import { createLogger, NestLogger, prettyLine } from './logging.js';
import { Redactor } from './redactor.js';

const setUp = (options: { pretty?: boolean } = {}) => {
  const lines: string[] = [];
  const redactor = new Redactor();
  const logger = createLogger({
    name: 'watcher',
    level: 'debug',
    redactor,
    write: (line) => void lines.push(line),
    ...options,
  });
  return { lines, redactor, logger };
};

describe('the log', () => {
  it('is one JSON object a line, without secrets', () => {
    const { lines, redactor, logger } = setUp();
    redactor.add('hunter2hunter2');
    logger.info({ url: 'https://u:hunter2hunter2@host', token: 'whatever' }, 'Looked.');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      name: 'watcher',
      msg: 'Looked.',
      url: `https://u:${Redactor.mark}@host`,
      token: '•••',
    });
  });

  it('takes secrets out of stacks too', () => {
    const { lines, redactor, logger } = setUp();
    redactor.add('hunter2hunter2');
    logger.error({ err: new Error('login with hunter2hunter2 failed') }, 'It broke.');
    expect(lines[0]).not.toContain('hunter2');
    expect(lines[0]).toContain('logging.spec.ts');
  });

  it('is a readable line on a terminal', () => {
    const { lines, logger } = setUp({ pretty: true });
    logger.warn({ task: 'web', count: 2 }, 'Slow.');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}watcher: Slow\. task=web count=2\n$/);
    expect(
      prettyLine(
        JSON.stringify({ level: 50, time: '2026-01-01T10:00:00.000Z', name: 'a', msg: 'B', err: { stack: 'S' } }),
      ),
    ).toContain('\n  S');
  });

  it('has what Nest says, quietly', () => {
    const { lines, logger } = setUp();
    const nest = new NestLogger(logger);
    nest.log('Mapped', 'RouterExplorer');
    nest.error(new Error('bad'), 'ExceptionsHandler');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 20, msg: 'Mapped', context: 'RouterExplorer' },
      { level: 50, msg: 'bad', err: { message: 'bad' } },
    ]);
  });
});
