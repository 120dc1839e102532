import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliOf } from '../support/run-cli.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

describe('a tag that a task pushes', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let image: string;

  beforeAll(async () => {
    [plinth, registry] = await Promise.all([Plinth.start({ env: { PLINTH_RECONCILE: '1' } }), startRegistry()]);
    image = `${registry.host}/app:1`;
    await registry.push('base', '1', 'first');
    await plinth.client.createRegistry({ host: registry.host, scheme: 'http', poll: { intervalSeconds: 1 } });
    await plinth.task('app', { files: `FROM ${registry.host}/base:1\nCOPY Dockerfile /app\n`, image });
    await plinth.watching('app');
    await plinth.build('app');
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
  });

  const codes = async () => {
    const { stdout } = await cliOf(plinth)(['doctor', '-o', 'json']);
    return (JSON.parse(stdout) as { findings: { code: string }[] }).findings.map(({ code }) => code);
  };

  it('is moved forward again when it goes back to an earlier run, and the log says so', async () => {
    await registry.retag('app', '1', 'kept');
    const older = await registry.digestOf('app', '1');
    await registry.push('base', '1', 'second');
    await plinth.until('wave.closed', () => true);
    const newer = await registry.digestOf('app', '1');
    await registry.retag('app', 'kept', '1');
    const { data } = await plinth.until('output.repaired', ({ reference }) => reference === image);
    expect(data).toMatchObject({ task: 'app', found: older, to: newer });
    expect(await registry.digestOf('app', '1')).toBe(newer);
  });

  it('is left alone when somebody else pushed it, which is said once, and again when that is over', async () => {
    const ours = await registry.digestOf('app', '1');
    await registry.retag('app', '1', 'ours');
    const theirs = await registry.push('app', '1', 'by hand');
    const { data } = await plinth.until('output.foreign', ({ reference }) => reference === image);
    expect(data).toMatchObject({ task: 'app', found: theirs, expected: ours });
    expect(await codes()).toEqual(['OUTPUT_FOREIGN']);
    await registry.retag('app', 'ours', '1');
    await plinth.until('output.regained', ({ reference }) => reference === image);
    expect(plinth.seen('output.foreign')).toHaveLength(1);
    expect(await codes()).toEqual([]);
  });

  it('is said to be shared when another task pushes it, too', async () => {
    await plinth.task('other', { files: `FROM ${registry.host}/base:1\n`, image });
    const { data } = await plinth.until('output.shared', ({ reference }) => reference === image);
    expect(data.tasks).toEqual(['app', 'other']);
    expect(await codes()).toEqual(['OUTPUT_SHARED']);
  });
});
