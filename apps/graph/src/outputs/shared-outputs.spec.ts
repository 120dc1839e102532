import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { taskDefinitionSchema } from '#libs/contracts';
import { definitionHash, outputDecider } from '#libs/domain';
import { AggregateStore, Commands, MemoryEventLog, Projector, silentLogger, type RecordedEvent } from '#libs/event-log';
import { FakeClock, tempDir } from '#libs/testing';
import { GraphProjection } from '../projection/graph-projection.js';
import { SharedOutputs } from './shared-outputs.js';

const tag = 'registry.test/app:1';

/** A graph on a log in memory that tells of shared tags. */
const graphOn = async (log: MemoryEventLog, clock: FakeClock, file: string) => {
  const projection = new GraphProjection();
  const outputs = new AggregateStore(outputDecider);
  const projector = new Projector({ log, file, projections: [outputs, projection], clock });
  const commands = new Commands({ log, projector });
  const shared = new SharedOutputs({ model: projection.model, outputs, commands, logger: silentLogger });
  await projector.start();
  shared.attendAll();
  projector.onBatch((events) => shared.attend(events));
  return { projector, shared };
};

describe('two tasks that push one tag', () => {
  it('are told of once, also when they are defined again, and when it happened while no graph was there', async () => {
    await using dir = await tempDir('shared');
    const clock = new FakeClock();
    const log = new MemoryEventLog({ clock });
    let said = 0;
    const define = async (name: string, type: 'task.created' | 'task.updated', ...imageNames: string[]) => {
      const definition = taskDefinitionSchema.parse({
        name,
        team: 'web',
        platforms: ['linux/amd64'],
        step: { type: 'Docker', contextPath: 'https://git.test/app.git', imageNames },
      });
      const last = await log.lastOf({ kind: 'task', id: name });
      const data = { definition, definitionHash: definitionHash(definition), by: 'ada' };
      await log.append({ kind: 'task', id: name }, last?.sequence ?? 0, [
        { type, data, id: `e${(said += 1)}` } as never,
      ]);
    };
    const told = async (): Promise<RecordedEvent[]> => {
      for await (const { events } of log.read({ after: 0, signal: new AbortController().signal })) {
        return events.filter(({ type }) => type === 'output.shared');
      }
      return [];
    };
    const first = await graphOn(log, clock, join(dir.path, 'one.sqlite'));
    const head = async ({ projector, shared }: typeof first) => {
      await projector.waitFor((await log.range()).last, { timeoutMs: 5_000 });
      await shared.report();
    };

    await define('app', 'task.created', tag);
    await head(first);
    expect(await told()).toEqual([]);

    await define('old', 'task.created', tag, 'registry.test/old:1');
    await head(first);
    expect(await told()).toMatchObject([
      { aggregate: { kind: 'output', id: tag }, data: { reference: tag, tasks: ['app', 'old'] } },
    ]);

    await define('app', 'task.updated', tag, 'registry.test/app:2');
    await head(first);
    await first.projector.stop();
    await define('web', 'task.created', 'registry.test/old:1');
    const second = await graphOn(log, clock, join(dir.path, 'two.sqlite'));
    await head(second);
    expect((await told()).map(({ data }) => (data as { tasks: unknown }).tasks)).toEqual([
      ['app', 'old'],
      ['old', 'web'],
    ]);
    await second.projector.stop();
  });
});
