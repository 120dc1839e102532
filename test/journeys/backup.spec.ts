import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cli } from '../support/cli.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';
import { cliOf } from '../support/run-cli.js';

describe('backup and restore', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let reader: string;
  const data = () => join(plinth.data, 'data');
  const file = () => join(plinth.data, 'plinth.tar');
  const cli = (...args: string[]) => cliOf(plinth, { cwd: plinth.data })(args);

  /** What the API answers of everything that it keeps, but for what belongs to the running process. */
  const answers = async (position = plinth.client.position) => {
    const { client } = plinth;
    const at = { position };
    const { tasks } = await client.listTasks({}, at);
    const { images } = await client.listImages({}, at);
    const { runs } = await client.listRuns({}, at);
    const logs: string[] = [];
    for await (const { text } of client.getRunLogs({ run: runs.at(-1)!.runId })) logs.push(text);
    return {
      tasks,
      runs,
      logs,
      images: images.map(({ lastLookAt: _look, nextLookAt: _next, ...image }) => image),
      registries: (await client.listRegistries({}, at)).registries.map(({ polling: _now, ...registry }) => registry),
      states: (await client.listStates({}, at)).states,
      waves: (await client.listWaves({}, at)).waves,
      tokens: (await client.listTokens()).tokens,
      secrets: (await client.listSecrets()).secrets,
      asReader: (await plinth.as(reader).listTasks({}, at)).tasks.length,
    };
  };

  beforeAll(async () => {
    [plinth, registry] = await Promise.all([Plinth.start(), startRegistry()]);
    const { client } = plinth;
    await registry.push('base', '1', 'first');
    await client.createRegistry({ host: registry.host, scheme: 'http', poll: { intervalSeconds: 86_400 } });
    await client.setSecret({ name: 'build', value: 'a secret of the journey' });
    reader = (await client.createToken({ name: 'reader', scope: 'read' })).token;
    const args = [{ name: 'KEY', isSecret: true, secretRef: 'build' }];
    await plinth.task('app', {
      files: `FROM ${registry.host}/base:1\nARG KEY\nCOPY Dockerfile /x\n`,
      image: `${registry.host}/app:1`,
      step: { arguments: args },
    });
    await plinth.watching('app');
    await plinth.build('app');
    await plinth.state('app', 'Fresh');
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
  });

  it('answers the same after everything was deleted, also when the restore was killed in the middle', async () => {
    const before = await answers();
    const planned = await cli('backup', file(), '--data', data(), '--dry-run');
    expect(JSON.parse(planned.stdout)).toMatchObject({
      streams: expect.arrayContaining(['PLINTH_EVENTS']),
      key: false,
    });
    const backup = await cli('backup', file(), '--data', data(), '--with-key', '-o', 'json');
    expect(backup).toMatchObject({ exit: 0, stderr: '' });
    const { position } = JSON.parse(backup.stdout) as { position: number };
    expect(await cli('restore', file(), '--data', data())).toMatchObject({
      exit: 5,
      stderr: expect.stringMatching(/Plinth is running already/),
    });

    // What happens after the backup is not in it.
    await plinth.client.deleteTask({ name: 'app' });
    await plinth.stop();
    await rm(data(), { recursive: true });
    expect(await cli('restore', file(), '--verify')).toMatchObject({ exit: 0 });
    const dry = await cli('restore', file(), '--data', data(), '--dry-run', '-o', 'json');
    expect(dry).toMatchObject({ exit: 0, stderr: 'Nothing was changed: this is what would be.\n' });
    const { key, streams } = JSON.parse(dry.stdout) as { key: string; streams: { plan: string }[] };
    expect({ key, plans: [...new Set(streams.map(({ plan }) => plan))] }).toEqual({
      key: 'Restored',
      plans: ['Restored'],
    });
    expect(existsSync(data())).toBe(false);
    const wrong = await cli('restore', join(plinth.data, 'no.tar'), '--data', data());
    expect(wrong).toMatchObject({ exit: 3, stderr: expect.stringMatching(/There is no backup/) });

    // Killed in the middle: Plinth refuses to start on what there is, and the same command goes on.
    const killed = await Cli.for(plinth);
    const args = ['restore', file(), '--data', data()];
    expect(await killed.run(args, { env: { PLINTH_CRASH_AT: 'restore.events' } })).toMatchObject({ stdout: '' });
    await expect(plinth.start()).rejects.toThrow(/restore into .* was not finished/);
    const restored = await cli('restore', file(), '--data', data(), '-o', 'json');
    expect(restored).toMatchObject({ exit: 0, stderr: expect.stringMatching(/keys that seal secrets/) });
    expect(JSON.parse(restored.stdout)).toMatchObject({ position, events: position });

    await plinth.start();
    expect(await answers(position)).toEqual(before);
    // The secret can be opened, and everything goes on.
    await plinth.client.updateTask({ name: 'app', step: { noCache: true } });
    await plinth.build('app');
  });

  it('is taken of a Plinth that is stopped, too', async () => {
    await plinth.stop();
    const folder = join(plinth.data, 'stopped');
    const backup = await cli('backup', folder, '--data', data());
    expect(backup).toMatchObject({ exit: 0, stderr: expect.stringMatching(/Keep .*plinth\.key as well/) });
    expect((await cli('restore', folder, '--verify')).exit).toBe(0);
    expect(await cli('backup', folder, '--data', data())).toMatchObject({ exit: 5 });
    expect(await cli('backup', `${folder}2`, '--data', join(plinth.data, 'nothing'))).toMatchObject({ exit: 3 });
  });

  it('is refused over another log, which stays as it was and goes on', async () => {
    const files = async () => (await readdir(data(), { recursive: true })).filter((name) => name.includes('.sqlite'));
    const before = await files();
    expect(await cli('restore', file(), '--data', data())).toMatchObject({
      exit: 5,
      stderr: expect.stringMatching(/holds something else.*Nothing was changed/),
    });
    const dry = await cli('restore', file(), '--data', data(), '--replace', '--dry-run', '-o', 'json');
    expect(dry.stdout).toContain('Replaced');
    expect(await files()).toEqual(before);
    await plinth.start();
    expect((await plinth.client.listTasks()).tasks).toMatchObject([{ name: 'app', step: { noCache: true } }]);
  });
});
