import { describe, expect, it } from 'vitest';
import { runDecider } from '#libs/domain';
import { RegistryError } from '#libs/oci';
import { app, bench, definitionOf, node, revision, until } from '../testing/bench.js';
import { EngineError } from '../engines/engine.js';
import { untilStopped, writeImage } from '../testing/scripted-engine.js';

const failing = (code: ConstructorParameters<typeof RegistryError>[0], retryAfterMs?: number): RegistryError =>
  new RegistryError(code, `registry.test said ${code}`, {
    registry: 'registry.test',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });

describe('an attempt', () => {
  it('builds on what is adopted, pushes by digest, moves the tag, and says what it really used', async () => {
    await using b = await bench();
    const adopted = b.registry.image(node, 'adopted', ['linux/amd64', 'linux/arm64']);
    await b.adopt(node, adopted);
    b.registry.image(node, 'newer, but not adopted');
    await b.queue('r1');
    const delivery = await b.deliver('r1');

    expect(delivery.settled).toBe('ack');
    expect(await b.events('r1')).toEqual(['run.queued', 'run.dispatched', 'run.started', 'run.built', 'run.succeeded']);
    expect(b.engine.requests[0]?.pins).toEqual([{ reference: node, digest: adopted.digest }]);
    const { outputs, inputs, sourceRevision, unchanged } = await b.last('r1', 'run.succeeded');
    expect(outputs.map(({ reference }) => reference)).toEqual([app]);
    expect(b.registry.tags.get(app)).toBe(outputs[0]?.digest);
    expect(inputs).toEqual([
      {
        reference: node,
        role: 'base',
        via: 'direct',
        digest: adopted.digest,
        platforms: { 'linux/amd64': adopted.platforms['linux/amd64'] },
      },
    ]);
    expect(sourceRevision).toBe(revision);
    expect(unchanged).toBe(false);
    expect(b.logs.ended).toEqual(['r1']);
  });

  it('has the engine keep steps under the name of the task, and nothing for a build without one', async () => {
    await using b = await bench({ cacheRepository: 'cache.test/steps' });
    b.registry.image(node, 'base');
    await b.queue('r1');
    await b.deliver('r1');
    await b.queue('r2', { task: null, runType: 'QuickBuild' });
    await b.deliver('r2');
    expect(b.engine.requests.map(({ cache }) => cache)).toEqual(['cache.test/steps:app', undefined]);
    const hosts = b.engine.requests.map(({ registries }) => registries.map(({ registry }) => registry));
    expect(hosts).toEqual([['docker.io', 'cache.test'], ['docker.io']]);
  });

  it('writes the base and the digest of its index onto the image', async () => {
    await using b = await bench();
    const base = b.registry.image(node, 'base', ['linux/amd64', 'linux/arm64']);
    await b.queue('r1', { definition: definitionOf({}, { platforms: ['linux/amd64', 'linux/arm64'] }) });
    await b.deliver('r1');
    const { outputs } = await b.last('r1', 'run.built');
    const [output] = outputs;
    expect(Object.keys(output?.platforms ?? {})).toEqual(['linux/amd64', 'linux/arm64']);
    for (const digest of Object.values(output?.platforms ?? {})) {
      const { bytes } = await b.registry.manifest(`registry.test/team/app@${digest}`);
      expect((JSON.parse(Buffer.from(bytes).toString()) as { annotations: unknown }).annotations).toEqual({
        'org.opencontainers.image.base.name': node,
        'org.opencontainers.image.base.digest': base.digest,
      });
    }
  });

  it('pushes every tag of a run, with the run in the names that ask for it', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    const imageNames = [app, 'registry.test/team/app:{{.Run.ID}}', 'other.test/app:{{.Run.Date}}'];
    await b.queue('r1', { definition: definitionOf({ imageNames }) });
    await b.deliver('r1');
    const { outputs } = await b.last('r1', 'run.succeeded');
    expect(outputs.map(({ reference }) => reference)).toEqual([
      app,
      'registry.test/team/app:r1',
      'other.test/app:20260101-120000z',
    ]);
    expect(b.registry.writes.filter((write) => write.startsWith('push')).map((write) => write.split(' ')[1])).toEqual([
      'registry.test/team/app',
      'other.test/app',
    ]);
  });

  it('builds without pushing when the task does not push', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    await b.queue('r1', { definition: definitionOf({ isPushEnabled: false }) });
    await b.deliver('r1');
    expect((await b.last('r1', 'run.succeeded')).outputs).toEqual([]);
    expect(b.registry.writes).toEqual([]);
  });

  it('says that nothing changed when the tag had the digest before', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    await b.queue('r1');
    await b.deliver('r1');
    await b.queue('r2');
    await b.deliver('r2');
    expect((await b.last('r2', 'run.succeeded')).unchanged).toBe(true);
    expect(b.registry.writes.filter((write) => write.startsWith('put'))).toHaveLength(1);
  });

  it('uses the digests that the offer names, not newer ones', async () => {
    await using b = await bench();
    const offered = b.registry.image(node, 'offered');
    await b.adopt(node, offered);
    const { digest, platforms } = offered;
    await b.queue('r1', { offer: 1, pins: [{ reference: node, digest, platforms }] });
    b.registry.image(node, 'pushed since');
    await b.deliver('r1');
    expect(b.engine.requests[0]?.pins).toEqual([{ reference: node, digest }]);
    expect((await b.last('r1', 'run.succeeded')).inputs[0]?.digest).toBe(digest);
  });

  it('ends superseded, before the engine starts, when a pin is not adopted any more', async () => {
    await using b = await bench();
    const offered = b.registry.image(node, 'offered');
    await b.adopt(node, offered);
    const { digest, platforms } = offered;
    await b.queue('r1', { offer: 1, pins: [{ reference: node, digest, platforms }] });
    await b.adopt(node, b.registry.image(node, 'newer'));
    const delivery = await b.deliver('r1');
    expect(delivery.settled).toBe('ack');
    expect(await b.last('r1', 'run.canceled')).toMatchObject({
      reason: 'Superseded',
      message: expect.stringContaining(`${node} moved from`),
    });
    expect(b.engine.requests).toEqual([]);
  });

  it('finds the images that ONBUILD triggers of a base bring in', async () => {
    await using b = await bench();
    const tools = 'docker.io/library/tools:1';
    b.registry.image(node, 'base', ['linux/amd64'], [`COPY --from=${tools} /bin/tool /bin/`]);
    b.registry.image(tools, 'tools');
    await b.queue('r1');
    await b.deliver('r1');
    const { inputs } = await b.last('r1', 'run.succeeded');
    expect(inputs.map(({ reference, role, via }) => ({ reference, role, via }))).toEqual([
      { reference: node, role: 'base', via: 'direct' },
      { reference: tools, role: 'copy', via: 'onbuild' },
    ]);
    expect(b.engine.requests[0]?.pins).toHaveLength(2);
  });

  it('fails in words when there is no base, or none for a platform', async () => {
    await using b = await bench();
    await b.queue('r1');
    await b.deliver('r1');
    expect(await b.last('r1', 'run.failed')).toMatchObject({ code: 'BASE_NOT_FOUND' });
    b.registry.image(node, 'base', ['linux/amd64']);
    await b.queue('r2', { definition: definitionOf({}, { platforms: ['linux/amd64', 'linux/s390x'] }) });
    await b.deliver('r2');
    expect((await b.last('r2', 'run.failed')).reason).toMatch(/has no image for linux\/s390x; it has linux\/amd64/);
  });

  it("fails with the engine's reason when the user's step fails, and is not tried again by itself", async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.engine.script = () => ({ kind: 'failed', code: 'STEP_FAILED', reason: 'RUN make: exit code 2' });
    await b.queue('r1');
    const delivery = await b.deliver('r1');
    expect(await b.last('r1', 'run.failed')).toMatchObject({ code: 'STEP_FAILED', reason: 'RUN make: exit code 2' });
    expect(delivery.settled).toBe('ack');
  });

  it('keeps secrets out of the log, the events and the plain arguments', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.secrets.set('npm@1', 'hunter2hunter2');
    b.engine.script = (request) => {
      request.onLog({ stream: 'stdout', text: `token is ${request.secretArgs['TOKEN']}` });
      return { kind: 'failed', code: 'STEP_FAILED', reason: `no access with ${request.secretArgs['TOKEN']}` };
    };
    const secret = { name: 'TOKEN', isSecret: true, secretRef: 'npm@1' };
    const plain = { name: 'MODE', value: 'fast', isSecret: false };
    await b.queue('r1', { definition: definitionOf({ arguments: [secret, plain] }) });
    await b.deliver('r1');
    expect(b.engine.requests[0]).toMatchObject({
      buildArgs: { MODE: 'fast' },
      secretArgs: { TOKEN: 'hunter2hunter2' },
    });
    expect(b.logs.text).toContain('token is •••');
    expect(b.logs.text).not.toContain('hunter2');
    expect((await b.last('r1', 'run.failed')).reason).toBe('no access with •••');
  });

  it('fails in words when a secret is not there', async () => {
    await using b = await bench();
    const secret = { name: 'TOKEN', isSecret: true, secretRef: 'gone@1' };
    await b.queue('r1', { definition: definitionOf({ arguments: [secret] }) });
    await b.deliver('r1');
    expect(await b.last('r1', 'run.failed')).toEqual({
      run: 'r1',
      task: 'app',
      attempt: 1,
      code: 'ACCESS_DENIED',
      reason: 'The secret of the argument TOKEN cannot be used: There is no secret gone@1.',
    });
  });

  it('refuses a secret that takes part in the name of an image', async () => {
    await using b = await bench();
    b.dockerfile = 'ARG NAME\nFROM registry.test/${NAME}:1\n';
    b.registry.image('registry.test/hidden-name:1', 'base');
    b.secrets.set('name@1', 'hidden-name');
    const secret = { name: 'NAME', isSecret: true, secretRef: 'name@1' };
    await b.queue('r1', { definition: definitionOf({ arguments: [secret] }) });
    await b.deliver('r1');
    expect(await b.last('r1', 'run.failed')).toMatchObject({ code: 'DOCKERFILE_INVALID' });
    expect(JSON.stringify(await b.last('r1', 'run.failed'))).not.toContain('hidden-name');
  });

  it.each([
    ['UNAVAILABLE', 'run.errored'],
    ['RATE_LIMITED', 'run.errored'],
    ['TIMEOUT', 'run.errored'],
    ['DENIED', 'run.failed'],
    ['UNAUTHORIZED', 'run.failed'],
    ['TAG_IMMUTABLE', 'run.failed'],
    ['REJECTED', 'run.failed'],
  ] as const)('ends rightly when the registry says %s while publishing', async (code, type) => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.registry.beforeWrite = (write) => {
      if (write.startsWith('put')) throw failing(code);
    };
    await b.queue('r1');
    await b.deliver('r1');
    expect((await b.events('r1')).at(-1)).toBe(type);
    expect(b.state('r1').built).not.toBeNull();
  });

  it('is tried again after an error of ours, and not sooner than the registry asks', async () => {
    await using b = await bench();
    b.registry.beforeRead = () => {
      throw failing('RATE_LIMITED', 90_000);
    };
    await b.queue('r1');
    const delivery = await b.deliver('r1');
    expect((await b.last('r1', 'run.errored')).retryAt).toBe('2026-01-01T00:01:30.000Z');
    expect(delivery.settled).toBe('ack');
    expect(b.logs.ended).toEqual([]);
  });

  it("calls a broken engine our error, not the user's failure", async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.engine.script = () => {
      throw new EngineError('ENGINE_UNAVAILABLE', 'The daemon does not answer.');
    };
    await b.queue('r1');
    await b.deliver('r1');
    expect(await b.last('r1', 'run.errored')).toMatchObject({ reason: 'The daemon does not answer.' });
  });

  it('is given up at the timeout of its task', async () => {
    await using b = await bench({ ackWaitMs: 3_600_000 });
    b.registry.image(node, 'base');
    b.engine.script = untilStopped;
    await b.queue('r1', { definition: definitionOf({}, { timeout: 300 }) });
    const delivered = b.deliver('r1');
    await until(() => b.engine.requests.length > 0);
    expect(b.engine.requests[0]?.timeoutMs).toBe(300_000);
    await b.clock.advance(300_000);
    await delivered;
    expect(await b.last('r1', 'run.timed-out')).toMatchObject({ seconds: 300 });
  });

  it('stops when somebody cancels it', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.engine.script = untilStopped;
    await b.queue('r1');
    const delivered = b.deliver('r1');
    await until(() => b.engine.requests.length > 0);
    await b.commands.execute(b.runs, runDecider, 'r1', { type: 'request-cancel', run: 'r1', by: 'ada' });
    await delivered;
    expect(await b.last('r1', 'run.canceled')).toMatchObject({ reason: 'Requested', message: 'ada canceled run r1.' });
    expect(b.registry.writes).toEqual([]);
  });

  it('fails before it builds when an image name makes no sense', async () => {
    await using b = await bench();
    await b.queue('r1', { definition: definitionOf({ imageNames: ['registry.test/App:{{.Run.Oops}}'] }) });
    await b.deliver('r1');
    expect(await b.last('r1', 'run.failed')).toMatchObject({ code: 'IMAGE_NAME_INVALID' });
    expect(b.engine.requests).toEqual([]);
  });

  it('fails in words when the Dockerfile is missing or leads out of the context', async () => {
    await using b = await bench();
    for (const [run, dockerFilePath] of [
      ['r1', 'deploy/Dockerfile'],
      ['r2', '../../../../../../../etc/hostname'],
    ] as const) {
      await b.queue(run, { definition: definitionOf({ dockerFilePath }) });
      await b.deliver(run);
      expect(await b.last(run, 'run.failed')).toMatchObject({ code: 'DOCKERFILE_NOT_FOUND' });
    }
  });

  it('gives the same inputs the same image, whenever they are built', async () => {
    await using b = await bench();
    b.registry.image(node, 'base');
    b.engine.script = (request) => writeImage(request, String(request.sourceDateEpoch));
    await b.queue('r1');
    await b.deliver('r1');
    expect(b.engine.requests[0]?.sourceDateEpoch).toBe(Date.parse('2026-01-01T00:00:00Z') / 1000);
  });
});
