/** What every engine must do, as one suite that each engine's spec runs against real registries and real builds. */
import { link, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuildOutcome, BuildRequest, BuiltImage, Engine, LogLine, StepProgress } from './engine.js';
import { blobPath } from './layout.js';
import { useUnpackedTools } from './testing/tools.js';
import { type TestRegistry, baseDiffId, hostPlatform, startRegistry } from './testing/registry.js';
import { requestOf } from './testing/request.js';

interface Manifest {
  config: { digest: string };
  layers: { digest: string }[];
  annotations?: Record<string, string>;
}
interface Config {
  config: { Env?: string[]; Labels?: Record<string, string> };
  created: string;
  rootfs: { diff_ids: string[] };
}

/**
 * `makeEngine` gets a folder for its files, which the suite removes after `close()`. `writesLayersAgain`: layers that lie in
 * the output folder already, too.
 */
export function engineConformance(
  name: string,
  makeEngine: (dir: string) => Promise<Engine>,
  { writesLayersAgain = false } = {},
): void {
  describe(`the ${name} engine`, () => {
    let dir: string;
    let engine: Engine;
    let registry: TestRegistry;
    let base: string;
    let baseDigest: string;
    let builds = 0;

    beforeAll(async () => {
      useUnpackedTools();
      dir = await mkdtemp(join(tmpdir(), 'plinth-engine-'));
      registry = await startRegistry();
      base = `${registry.host}/base:1`;
      baseDigest = await registry.pushBase('base', '1', 'one');
      engine = await makeEngine(join(dir, 'engine'));
      await engine.cleanup();
    });

    afterAll(async () => {
      await engine?.close();
      await registry?.stop();
      await rm(dir, { recursive: true, force: true });
    });

    interface Recorded {
      readonly outcome: BuildOutcome;
      readonly log: LogLine[];
      readonly progress: StepProgress[];
      readonly outputDir: string;
    }

    async function build(files: Record<string, string>, options: Partial<BuildRequest> = {}): Promise<Recorded> {
      builds++;
      const log: LogLine[] = [];
      const progress: StepProgress[] = [];
      const folder = join(dir, `build-${builds}`);
      await mkdir(join(folder, 'context'), { recursive: true }); // there may be no file
      const request = await requestOf(folder, files, {
        pins: [{ reference: base, digest: baseDigest }],
        sourceDateEpoch: 1_700_000_000,
        registries: [{ registry: registry.host, scheme: 'http' }],
        ...options,
        onLog: (line) => {
          log.push(line);
          options.onLog?.(line);
        },
        onProgress: (step) => progress.push(step),
      });
      const outcome = await engine.build(request);
      return { outcome, log, progress, outputDir: request.outputDir };
    }

    async function read<T>(layoutDir: string, digest: string): Promise<T> {
      return JSON.parse(await readFile(blobPath(layoutDir, digest), 'utf8')) as T;
    }

    function built(recorded: Recorded): BuiltImage {
      if (recorded.outcome.kind !== 'built') {
        const log = recorded.log.map((line) => line.text).join('\n');
        throw new Error(`${JSON.stringify(recorded.outcome)}\n${log}`);
      }
      return recorded.outcome;
    }

    async function image(recorded: Recorded): Promise<{ manifest: Manifest; config: Config }> {
      const { layoutDir, platforms } = built(recorded);
      const manifest = await read<Manifest>(layoutDir, platforms[0]?.digest ?? '');
      return { manifest, config: await read<Config>(layoutDir, manifest.config.digest) };
    }

    const texts = (recorded: Recorded) => recorded.log.map((line) => line.text);

    it('says that it is ready, and which version it is', async () => {
      expect(await engine.check()).toMatchObject({ ok: true, version: expect.stringMatching(/\d+\.\d+/) });
    });

    it('builds an image from scratch', async () => {
      const recorded = await build({ Dockerfile: 'FROM scratch\nCOPY hello /\nENV GREETING=hi\n', hello: 'hello\n' });
      const { config, manifest } = await image(recorded);
      expect(built(recorded).platforms).toEqual([{ platform: hostPlatform, digest: built(recorded).digest }]);
      expect(config.config.Env).toContain('GREETING=hi');
      expect(config.created).toBe('2023-11-14T22:13:20Z');
      expect(manifest.layers).toHaveLength(1);
    });

    it('runs commands without a network, and keeps the layers of the base as they are', async () => {
      const recorded = await build({ Dockerfile: `FROM ${base}\nRUN cat /version && echo made > /made\n` });
      const { config, manifest } = await image(recorded);
      expect(texts(recorded)).toContain('one');
      expect(manifest.layers).toHaveLength(2);
      expect(config.rootfs.diff_ids[0]).toBe(await baseDiffId('one'));
    });

    it('makes the same image where layers of it lie in the output folder already, and does not write them', async () => {
      const files = { Dockerfile: `FROM ${base}\nCOPY hello /\n`, hello: 'hello\n' };
      const before = await build(files);
      const { layers } = (await image(before)).manifest;
      const [ofBase] = layers;
      const outputDir = join(dir, 'with-a-layer');
      const lent = blobPath(outputDir, ofBase?.digest ?? '');
      await mkdir(dirname(lent), { recursive: true });
      await link(blobPath(before.outputDir, ofBase?.digest ?? ''), lent);
      const after = await build(files, { outputDir });
      expect(built(after).digest).toBe(built(before).digest);
      const wasWritten = (await stat(lent)).ino !== (await stat(blobPath(before.outputDir, ofBase?.digest ?? ''))).ino;
      expect(wasWritten).toBe(writesLayersAgain);
    });

    it('pulls from where a registry is, when it is called otherwise', async () => {
      const reference = 'registry.example.test/base:1';
      const recorded = await build(
        { Dockerfile: `FROM ${reference}\nCOPY --from=${reference} /version /copied\nRUN cat /copied\n` },
        {
          pins: [{ reference, digest: baseDigest }],
          registries: [{ registry: 'registry.example.test', endpoint: registry.host, scheme: 'http' }],
        },
      );
      const { config } = await image(recorded);
      expect(texts(recorded)).toContain('one');
      expect(config.rootfs.diff_ids[0]).toBe(await baseDiffId('one'));
    });

    it('copies from an earlier stage and from an image', async () => {
      const recorded = await build({
        Dockerfile: [
          `FROM ${base} AS build`,
          'RUN echo made > /made',
          'FROM scratch',
          'COPY --from=build /made /made',
          `COPY --from=${base} /version /version`,
        ].join('\n'),
      });
      expect((await image(recorded)).manifest.layers).toHaveLength(2);
    });

    it('stops at the target that was asked for', async () => {
      const recorded = await build(
        { Dockerfile: 'FROM scratch AS first\nLABEL stage=first\nFROM scratch\nLABEL stage=last\nCOPY nowhere /\n' },
        { target: 'first' },
      );
      expect((await image(recorded)).config.config.Labels).toMatchObject({ stage: 'first' });
    });

    it('gives build arguments, labels and annotations', async () => {
      const recorded = await build(
        { Dockerfile: `FROM ${base}\nARG VERSION=0\nLABEL version=$VERSION\nRUN echo "version is $VERSION"\n` },
        { buildArgs: { VERSION: '1.2 "3"' }, labels: { team: 'a=b' }, annotations: { 'com.example.note': 'yes' } },
      );
      const { config, manifest } = await image(recorded);
      expect(texts(recorded)).toContain('version is 1.2 "3"');
      expect(config.config.Labels).toMatchObject({ version: '1.2 "3"', team: 'a=b' });
      expect(manifest.annotations).toMatchObject({ 'com.example.note': 'yes' });
    });

    it('builds on the pinned digest in every role while the tag moves on', async () => {
      const moving = `${registry.host}/moving:1`;
      const digest = await registry.pushBase('moving', '1', 'before');
      await registry.pushBase('moving', '1', 'after');
      const recorded = await build(
        {
          Dockerfile: [
            `FROM ${moving} AS from`,
            'RUN echo "from $(cat /version)"',
            `RUN --mount=type=bind,from=${moving},target=/mnt echo "mount $(cat /mnt/version)"`,
            `COPY --from=${moving} /version /copied`,
            'RUN echo "copy $(cat /copied)"',
          ].join('\n'),
        },
        { pins: [{ reference: moving, digest }] },
      );
      built(recorded);
      expect(texts(recorded)).toEqual(expect.arrayContaining(['from before', 'mount before', 'copy before']));
      expect(texts(recorded).join()).not.toContain('after');
    });

    it('refuses an image that nobody pinned', async () => {
      const { outcome } = await build({ Dockerfile: `FROM ${base}\n` }, { pins: [] });
      expect(outcome).toMatchObject({ kind: 'failed', code: 'BASE_NOT_PINNED', reason: expect.stringContaining(base) });
    });

    it('gives the same digest when nothing changed, with and without its cache', async () => {
      const files = { Dockerfile: `FROM ${base}\nCOPY hello /\nRUN echo made > /made\n`, hello: 'hello\n' };
      const first = built(await build(files));
      expect(built(await build(files)).digest).toBe(first.digest);
      expect(built(await build(files, { noCache: true })).digest).toBe(first.digest);
    });

    it('keeps its steps in a registry, for an engine that has none of them', async () => {
      const files = { Dockerfile: `FROM ${base}\nRUN echo made-$(cat /version) > /made\n` };
      const cache = `${registry.host}/cache:app`;
      const first = await build(files, { cache });
      const other = await makeEngine(join(dir, 'other-engine'));
      const own = engine;
      try {
        await other.cleanup();
        engine = other;
        const second = await build(files, { cache });
        expect(built(second).digest).toBe(built(first).digest);
        const [step] = second.progress.filter(
          ({ name: text, status }) => text.includes('made-') && status !== 'started',
        );
        expect(step?.status).toBe('cached');
        const anew = await build(files, { cache, noCache: true });
        const [ran] = anew.progress.filter(({ name: text, status }) => text.includes('made-') && status !== 'started');
        expect(ran?.status).toBe('done');
      } finally {
        engine = own;
        await other.close();
      }
    });

    it('builds all the same when the registry does not take the cache', async () => {
      const cache = '127.0.0.1:1/cache:app';
      const { outcome } = await build({ Dockerfile: `FROM ${base}\nRUN echo cached > /nowhere\n` }, { cache });
      expect(outcome).toMatchObject({ kind: 'built' });
    });

    it('lets no secret argument reach the log or the image', async () => {
      // The second name means something to every client that is written in Go.
      const secretArgs = { TOKEN: "hunter2 hunter2's", GO_TOKEN: 'hunter3-"hunter3"' };
      const lines = [
        `FROM ${base}`,
        'ARG TOKEN',
        'ARG GO_TOKEN=none CANARY',
        'RUN echo "token $TOKEN, $GO_TOKEN" && test ${#TOKEN} = 17 && test ${#GO_TOKEN} = 17',
        'RUN --mount=type=secret,id=GO_TOKEN test "$(cat /run/secrets/GO_TOKEN)" = "$GO_TOKEN" && echo "$CANARY"',
      ];
      const recorded = await build(
        { Dockerfile: lines.join('\n') },
        { secretArgs, buildArgs: { CANARY: 'yellow-bird' } },
      );
      const { layoutDir } = built(recorded);
      expect(texts(recorded)).toContain('token ***, ***');
      const blobs = await Promise.all(
        (await readdir(join(layoutDir, 'blobs', 'sha256'))).map((file) =>
          readFile(join(layoutDir, 'blobs', 'sha256', file), 'latin1'),
        ),
      );
      const said = JSON.stringify([recorded.log, recorded.progress, blobs]);
      // What is no secret is found in each of them, so that a secret would be.
      for (const part of [recorded.log, blobs]) expect(JSON.stringify(part)).toContain('yellow-bird');
      for (const secret of ['hunter2', 'hunter3']) expect(said).not.toContain(secret);
      // What fails is shown with the lines around it.
      const failed = await build({ Dockerfile: [...lines.slice(0, 3), 'RUN exit 9'].join('\n') }, { secretArgs });
      expect(failed.outcome).toMatchObject({ kind: 'failed', code: 'STEP_FAILED' });
      for (const secret of ['hunter2', 'hunter3']) expect(JSON.stringify(failed)).not.toContain(secret);
    });

    it('shows no secret argument to who looks at the processes of the machine', async () => {
      const abort = new AbortController();
      let looked: Promise<string[]> | undefined;
      const { outcome } = await build(
        { Dockerfile: `FROM ${base}\nARG TOKEN\nARG GO_TOKEN\nARG CANARY\nRUN echo ready && sleep 600\n` },
        {
          secretArgs: { TOKEN: 'hunter2-hunter2', GO_TOKEN: 'hunter3-hunter3' },
          buildArgs: { CANARY: 'yellow-bird-2' },
          signal: abort.signal,
          onLog: ({ text }) => {
            if (text !== 'ready') return;
            looked = processes(() => true).then((found) => found.map(({ line }) => line));
            void looked.finally(() => abort.abort());
          },
        },
      );
      expect(outcome).toEqual({ kind: 'canceled' });
      const lines = (await looked)?.join('\n') ?? '';
      expect(lines).toContain('yellow-bird-2');
      for (const secret of ['hunter2', 'hunter3']) expect(lines).not.toContain(secret);
    });

    it('fails in words when the Dockerfile is missing', async () => {
      const { outcome } = await build({ other: '' }, { dockerfile: 'sub/Dockerfile' });
      expect(outcome).toMatchObject({
        code: 'DOCKERFILE_NOT_FOUND',
        reason: expect.stringContaining('sub/Dockerfile'),
      });
    });

    it('fails with the command and its exit code when a command fails', async () => {
      const { outcome, log } = await build({ Dockerfile: `FROM ${base}\nRUN echo before && exit 7\n` });
      expect(outcome).toMatchObject({ kind: 'failed', code: 'STEP_FAILED' });
      expect(outcome).toMatchObject({ reason: expect.stringMatching(/echo before && exit 7.*exit code 7/) });
      expect(log.map((line) => line.text)).toContain('before');
    });

    it('fails when the base does not exist', async () => {
      const reference = `${registry.host}/nowhere:1`;
      const pins = [{ reference, digest: `sha256:${'0'.repeat(64)}` }];
      const { outcome } = await build({ Dockerfile: `FROM ${reference}\n` }, { pins });
      expect(outcome).toMatchObject({ code: 'BASE_NOT_FOUND', reason: expect.stringContaining('nowhere') });
    });

    it('fails when a file to copy, an instruction or the target is unknown', async () => {
      const missing = await build({ Dockerfile: 'FROM scratch\nCOPY absent /\n' });
      expect(missing.outcome).toMatchObject({
        code: 'CONTEXT_FILE_NOT_FOUND',
        reason: expect.stringContaining('absent'),
      });
      const unknown = await build({ Dockerfile: 'FROM scratch\nFETCH it\n' });
      expect(unknown.outcome).toMatchObject({ code: 'DOCKERFILE_INVALID', reason: expect.stringContaining('FETCH') });
      const target = await build({ Dockerfile: 'FROM scratch AS one\nLABEL a=b\n' }, { target: 'two' });
      expect(target.outcome).toMatchObject({ code: 'TARGET_NOT_FOUND', reason: expect.stringContaining('two') });
    });

    it('throws a fault that can be retried when a registry does not answer', async () => {
      const reference = '127.0.0.1:1/base:1';
      const pins = [{ reference, digest: `sha256:${'0'.repeat(64)}` }];
      const building = build({ Dockerfile: `FROM ${reference}\n` }, { pins });
      await expect(building).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE', retryable: true });
    });

    it('ends a build that takes too long, and its processes', async () => {
      const { outcome } = await build({ Dockerfile: `FROM ${base}\nRUN sleep 7441\n` }, { timeoutMs: 3_000 });
      expect(outcome).toEqual({ kind: 'timeout' });
      await expectGone('7441');
    });

    it('ends a canceled build, and its processes', async () => {
      const controller = new AbortController();
      const { outcome } = await build(
        { Dockerfile: `FROM ${base}\nRUN echo started && sleep 7442\n` },
        {
          signal: controller.signal,
          onLog: (line) => {
            if (line.text === 'started') controller.abort();
          },
        },
      );
      expect(outcome).toEqual({ kind: 'canceled' });
      await expectGone('7442');
    });

    it('throws a fault that can be retried when its client is killed, and ends what that had started', async () => {
      const dockerfile = join(dir, 'killed.Dockerfile');
      await writeFile(dockerfile, `FROM ${base}\nRUN echo started && sleep 7443\n`);
      const building = build(
        {},
        {
          dockerfile,
          onLog: (line) => {
            if (line.text === 'started') void killClient('killed.Dockerfile');
          },
        },
      );
      await expect(building).rejects.toMatchObject({ code: 'ENGINE_FAILED', retryable: true });
      await expectGone('7443');
    });

    it('does not start a build that was canceled before', async () => {
      const { outcome } = await build({ Dockerfile: 'FROM scratch\n' }, { signal: AbortSignal.abort() });
      expect(outcome).toEqual({ kind: 'canceled' });
    });

    it('passes on every line, in order, with its step', async () => {
      const recorded = await build({ Dockerfile: `FROM ${base}\nRUN seq 1 3000 && printf 'no newline: ü'\n` });
      built(recorded);
      const printed = recorded.log.filter((line) => line.step?.includes('seq') === true && line.stream === 'stdout');
      const numbers = printed.map((line) => line.text).filter((text) => /^\d+$/.test(text));
      expect(numbers).toEqual(Array.from({ length: 3000 }, (_, index) => String(index + 1)));
      // An engine may go on with its own words in the same line.
      expect(printed.some((line) => line.text.startsWith('no newline: ü'))).toBe(true);
      expect(recorded.progress.some((step) => step.name.includes('seq') && step.status === 'done')).toBe(true);
    });

    it('builds for two platforms when nothing has to run', async () => {
      const recorded = await build(
        { Dockerfile: `FROM ${base}\nCOPY hello /\n`, hello: 'hello\n' },
        { platforms: ['linux/amd64', 'linux/arm64'] },
      );
      const { platforms, mediaType } = built(recorded);
      expect(mediaType).toBe('application/vnd.oci.image.index.v1+json');
      expect(platforms.map(({ platform }) => platform).sort()).toEqual(['linux/amd64', 'linux/arm64']);
    });

    it('builds heredocs, or says that it cannot', async () => {
      const { outcome } = await build({ Dockerfile: `FROM ${base}\nRUN <<EOF\necho a\necho b\nEOF\n` });
      const expected = engine.features.has('heredoc')
        ? { kind: 'built' }
        : { kind: 'failed', code: 'FEATURE_UNSUPPORTED', reason: expect.stringContaining('heredoc') };
      expect(outcome).toMatchObject(expected);
    });

    it('leaves no file of a job behind', async () => {
      await engine.cleanup();
      const left = (await readdir(join(dir, 'engine'), { recursive: true })).filter((path) =>
        /(^|\/)job-[^/]*$/.test(path),
      );
      expect(left).toEqual([]);
    });
  });
}

/** Waits until no process has this argument: the engine's own processes end a moment after its client. */
async function expectGone(argument: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  let running = await withArgument(argument);
  while (running.length > 0 && performance.now() < deadline) {
    await delay(50);
    running = await withArgument(argument);
  }
  expect(running).toEqual([]);
}

/** Kills the client, which has the Dockerfile's name in one of its arguments. */
async function killClient(dockerfile: string): Promise<void> {
  const clients = await processes((args) => args.some((arg) => arg.includes(dockerfile)));
  for (const { pid } of clients) process.kill(pid, 'SIGKILL');
}

const withArgument = (argument: string) => processes((args) => args.includes(argument));

async function processes(isWanted: (args: readonly string[]) => boolean): Promise<{ pid: number; line: string }[]> {
  const found: { pid: number; line: string }[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (isWanted(line.split('\0'))) found.push({ pid: Number(pid), line });
  }
  return found;
}
