/** What an engine with a daemon of its own must stand: that the daemon is killed at any step of a build. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuildOutcome, BuildRequest, Engine } from './engine.js';
import { type TestRegistry, startRegistry } from './testing/registry.js';
import { requestOf } from './testing/request.js';
import { useUnpackedTools } from './testing/tools.js';

const steps: readonly (readonly [when: string, step: RegExp])[] = [
  ['it has the Dockerfile', /load build definition/],
  ['it asks for the base', /load metadata/],
  ['it takes the base', /FROM/],
  ['it copies', /COPY/],
  ['a command runs', /RUN/],
  ['it hands the image over', /exporting/],
];

/** `makeEngine` gets a folder for its files; `program` is what the daemon's process is called. */
export function daemonKilled(program: string, makeEngine: (dir: string) => Engine): void {
  describe(`a ${program} that is killed`, () => {
    let dir: string;
    let engine: Engine;
    let registry: TestRegistry;
    let reference: string;
    let digest: string;
    let wanted: string;
    let builds = 0;

    beforeAll(async () => {
      useUnpackedTools();
      dir = await mkdtemp(join(tmpdir(), 'plinth-killed-'));
      registry = await startRegistry();
      reference = `${registry.host}/base:1`;
      digest = await registry.pushBase('base', '1', 'one');
      engine = makeEngine(join(dir, 'engine'));
      await engine.cleanup();
      wanted = digestOf(await build());
    });
    afterAll(async () => {
      await engine.close();
      await registry.stop();
      await rm(dir, { recursive: true, force: true });
    });

    const build = async (options: Partial<BuildRequest> = {}): Promise<BuildOutcome> => {
      const dockerfile = `FROM ${reference}\nCOPY Dockerfile /\nRUN seq 30000 > /numbers && cat /version\n`;
      const request = await requestOf(
        join(dir, `build-${++builds}`),
        { Dockerfile: dockerfile },
        { pins: [{ reference, digest }], registries: [{ registry: registry.host, scheme: 'http' }], ...options },
      );
      return engine.build(request);
    };

    const digestOf = (outcome: BuildOutcome): string =>
      outcome.kind === 'built' ? outcome.digest : JSON.stringify(outcome);

    /** Processes of this test's engine, by the name of their program. */
    const processes = async (): Promise<{ pid: number; name: string }[]> => {
      const found: { pid: number; name: string }[] = [];
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
        const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        if (line.includes(dir)) found.push({ pid: Number(pid), name: basename(line.split('\0', 1)[0] ?? '') });
      }
      return found;
    };

    it.each(steps)(
      'when %s costs another try at most, and is never said to be the fault of the build',
      async (_when, step) => {
        let killed: Promise<void> | undefined;
        const kill = async (): Promise<void> => {
          for (const { pid, name } of await processes()) if (name === program) process.kill(pid, 'SIGKILL');
        };
        // Whether it was fast enough to end well all the same is its own affair.
        const first = await build({
          noCache: true,
          onProgress: ({ name }) => {
            if (step.test(name)) killed ??= kill();
          },
        }).then(digestOf, (error: unknown) => error);
        await killed;
        expect(killed, 'there was no such step').toBeDefined();
        if (first !== wanted) expect(first).toMatchObject({ code: 'ENGINE_UNAVAILABLE', retryable: true });
        expect(digestOf(await build({ noCache: true }))).toBe(wanted);
      },
    );

    it('leaves no process of a build behind', async () => {
      const names = (await processes()).map(({ name }) => name);
      // The daemon itself, and its helper.
      expect(names.filter((name) => ![program, 'containerd'].includes(name))).toEqual([]);
    });
  });
}
