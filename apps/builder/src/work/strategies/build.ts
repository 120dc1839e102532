import { realpath, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { isPlinthError, type Snapshot } from '#libs/contracts';
import type { OpenedContext } from '#libs/context';
import { MAX_FILE_BYTES } from '#libs/dockerfile';
import type { BuiltRun } from '#libs/domain';
import { parseReference, repositoryName } from '#libs/oci';
import type { BuiltImage, Engine, EngineRegistry } from '../../engines/engine.js';
import { BaseConfigs } from '../../pins/base-configs.js';
import { PinBook } from '../../pins/pin-book.js';
import { resolveInputs, splitArguments, type ResolvedInputs } from '../../pins/resolve-inputs.js';
import type { Contexts, ImageRegistry, RegistrySettings, SecretRedactor, Secrets } from '../../ports.js';
import { baseAnnotations } from '../../publish/base-annotations.js';
import { layersOfBase } from '../../publish/layers-of-base.js';
import { prepareImage } from '../../publish/image.js';
import type { LayerShelf } from '../../publish/layer-shelf.js';
import { outputsOf } from '../../publish/outputs.js';
import { AttemptStopped, BuildFailure } from '../failure.js';
import { failureCodes } from '../outcome.js';
import type { Plan, Strategy, Work } from './strategy.js';

export interface BuildOptions {
  readonly engine: Engine;
  readonly contexts: Contexts;
  readonly registry: ImageRegistry;
  readonly registries: RegistrySettings;
  readonly secrets: Secrets;
  readonly redactor: SecretRedactor;
  readonly network: 'none' | 'host' | 'default';
  /** `host/repository` in which steps are kept between builds, under a tag for each task. */
  readonly cacheRepository?: string | undefined;
  /** What engines need not hand over again. */
  readonly baseLayers?: LayerShelf | undefined;
  /** `os/arch` of the machine that builds. */
  readonly buildPlatform: string;
  adopted(reference: string): readonly Snapshot[];
  /** Why a reference may not be built on while nothing of it is adopted. */
  refusal(reference: string): string | undefined;
}

/** Builds with the engine, every image pinned, and pushes the result by digest. Always applies. */
export const buildStrategy = (options: BuildOptions): Strategy => ({
  name: 'build',
  applies: (work): Promise<Plan> => Promise.resolve({ make: () => build(options, work) }),
});

const build = async (options: BuildOptions, work: Work): Promise<BuiltRun> => {
  const { queued, log, signal } = work;
  const configs = new BaseConfigs(options.registry, signal);
  // While the context is opened. Such a task's pins are bases, all of which will be read; those of others may be only
  // copied from, and would cost a pull for nothing.
  if (queued.definition.trigger.baseImageTrigger?.baseImageTriggerType === 'Runtime') configs.expect(queued.pins);
  const context = await openContext(options, work);
  try {
    log.say(`Building ${queued.definition.step.contextPath} at ${context.revision}.`);
    const secrets = await openSecrets(options, work);
    const resolved = await resolve(options, work, context, secrets, configs);
    const outputDir = join(work.directory, 'image');
    const bases = resolved.inputs.filter(({ role }) => role === 'base');
    await options.baseLayers?.lend(new Set(bases.map(({ digest }) => digest)), outputDir);
    const image = await runEngine(options, work, context, resolved, secrets, outputDir);
    signal.throwIfAborted();
    const prepared = await prepareImage(
      image.layoutDir,
      image,
      baseAnnotations(resolved.resolution.baseOf, resolved.inputs),
    );
    work.doing('publishing');
    for (const repository of new Set(work.tags.map((tag) => tag.repository))) {
      const mountFrom = repositoryBeside(repository, resolved.inputs);
      await options.registry.push(repository, prepared, { signal, ...(mountFrom !== undefined && { mountFrom }) });
      log.say(`Pushed ${repository}@${prepared.digest}.`);
    }
    if (options.baseLayers) {
      for (const base of bases) await options.baseLayers.keep(base.digest, await layersOfBase(base, prepared, configs));
    }
    return {
      outputs: outputsOf(work.tags, prepared),
      inputs: resolved.inputs,
      sourceRevision: context.revision,
    };
  } finally {
    await context.close();
  }
};

const openContext = async ({ contexts, secrets, redactor }: BuildOptions, work: Work): Promise<OpenedContext> => {
  const { contextPath, contextAccessToken } = work.queued.definition.step;
  const accessToken =
    contextAccessToken === undefined
      ? undefined
      : await openSecret(secrets, contextAccessToken, work, 'contextAccessToken');
  if (accessToken !== undefined) redactor.add(accessToken);
  return contexts.open({
    contextPath,
    revision: work.queued.sourceRevision,
    into: join(work.directory, 'context'),
    signal: work.signal,
    ...(accessToken !== undefined && { accessToken }),
  });
};

const tasksFault: ReadonlySet<string> = new Set([
  'NOT_FOUND',
  'INVALID_ARGUMENT',
  'PERMISSION_DENIED',
  'FAILED_PRECONDITION',
]);

/** A secret that the task names and that is not there is the task's fault: trying again does not help. */
const openSecret = async (secrets: Secrets, secretRef: string, { queued }: Work, what: string): Promise<string> => {
  try {
    return await secrets.open(secretRef, queued.definition.team);
  } catch (cause) {
    if (!isPlinthError(cause) || !tasksFault.has(cause.code)) throw cause;
    throw new BuildFailure('ACCESS_DENIED', `The secret of ${what} cannot be used: ${cause.message}`, { cause });
  }
};

/** Secret arguments by name, opened now: the moment of use. */
const openSecrets = async ({ secrets, redactor }: BuildOptions, work: Work): Promise<Record<string, string>> => {
  const { secret, values } = splitArguments(work.queued.definition.step.arguments);
  const opened = { ...values };
  for (const { name, secretRef } of secret) {
    opened[name] = await openSecret(secrets, secretRef, work, `the argument ${name}`);
  }
  for (const value of Object.values(opened)) redactor.add(value);
  return opened;
};

const resolve = async (
  options: BuildOptions,
  work: Work,
  context: OpenedContext,
  secrets: Readonly<Record<string, string>>,
  configs: BaseConfigs,
): Promise<ResolvedInputs> => {
  const { queued, log, signal } = work;
  const { definition } = queued;
  const pins = new PinBook({
    pins: queued.pins,
    adopted: options.adopted,
    refusal: options.refusal,
    look: (reference) => options.registry.resolve(reference, signal),
  });
  const resolved = await resolveInputs({
    dockerfile: await readDockerfile(context.dir, definition.step.dockerFilePath),
    definition,
    buildArgs: { ...splitArguments(definition.step.arguments).plain, ...secrets },
    buildPlatform: options.buildPlatform,
    pins,
    configs,
  });
  for (const { reference, digest } of resolved.pins) {
    // What a run used is a fact for everybody to read.
    if (options.redactor.redact(reference) !== reference) {
      throw new BuildFailure(
        'DOCKERFILE_INVALID',
        'A secret argument takes part in the name of an image, which would be shown to everybody: use an ordinary argument.',
      );
    }
    log.say(`${reference} is ${digest}.`);
  }
  for (const { message } of resolved.resolution.unknown) log.say(`Not tracked: ${message}.`);
  return resolved;
};

/** @throws BuildFailure DOCKERFILE_NOT_FOUND, DOCKERFILE_INVALID */
export const readDockerfile = async (directory: string, path: string): Promise<string> => {
  const root = await realpath(directory);
  let file;
  try {
    file = await realpath(join(root, path));
  } catch (cause) {
    throw new BuildFailure(
      'DOCKERFILE_NOT_FOUND',
      `The context has no ${path}. Set dockerFilePath to where the Dockerfile is, relative to the context.`,
      { cause },
    );
  }
  const inside = relative(root, file);
  if (inside.startsWith('..') || isAbsolute(inside)) {
    throw new BuildFailure('DOCKERFILE_NOT_FOUND', `${path} leads out of the context.`);
  }
  const { size } = await stat(file);
  if (size > MAX_FILE_BYTES) {
    throw new BuildFailure('DOCKERFILE_INVALID', `${path} has ${size} bytes; at most ${MAX_FILE_BYTES} are read.`);
  }
  return readFile(file, 'utf8');
};

const reports = { started: 'Started', cached: 'Cached', done: 'Done', error: 'Failed' } as const;

const runEngine = async (
  options: BuildOptions,
  work: Work,
  context: OpenedContext,
  resolved: ResolvedInputs,
  secretArgs: Readonly<Record<string, string>>,
  outputDir: string,
): Promise<BuiltImage> => {
  const { step, platforms, timeout } = work.queued.definition;
  const { task } = work.queued;
  const cache = options.cacheRepository && task !== null ? `${options.cacheRepository}:${task}` : undefined;
  const outcome = await options.engine.build({
    contextDir: context.dir,
    dockerfile: step.dockerFilePath,
    ...(step.target !== undefined && { target: step.target }),
    platforms,
    noCache: step.noCache,
    buildArgs: splitArguments(step.arguments).plain,
    secretArgs,
    pins: resolved.pins,
    network: options.network,
    timeoutMs: work.timeLeft(),
    // Decided by what is built alone: the same inputs give the same digest whenever they are built.
    sourceDateEpoch: resolved.newestBase,
    outputDir,
    ...(cache !== undefined && { cache }),
    registries: await registriesOf(options, [
      ...resolved.pins.map(({ reference }) => reference),
      ...(cache === undefined ? [] : [cache]),
    ]),
    onLog: ({ stream, text, step: name }) => work.log.write(stream, text, name ?? null),
    onProgress: ({ name, status, ms }) =>
      work.log.progress(name, { status: reports[status], milliseconds: ms === undefined ? null : Math.round(ms) }),
    signal: work.signal,
  });
  switch (outcome.kind) {
    case 'built':
      return outcome;
    case 'failed':
      throw new BuildFailure(failureCodes[outcome.code], options.redactor.redact(outcome.reason));
    case 'timeout':
      throw new AttemptStopped('timed-out', `The build took longer than ${timeout} s.`);
    case 'canceled':
      work.signal.throwIfAborted();
      throw new AttemptStopped('canceled', 'The build was canceled.');
  }
};

/**
 * The registry that an engine pulls from: the mirror, when it has all of these images under their own paths, since engines
 * are led to another host and not to another name. Otherwise the registry itself: a digest means the same there.
 */
const pulledFrom = (registries: RegistrySettings, registry: string, references: readonly string[]): string => {
  const names = references.map(parseReference).filter((one) => one.registry === registry);
  const mirrors = new Set(
    names.map((name) => {
      const at = registries.mirrored(name);
      return at?.repository === name.repository ? at.registry : registry;
    }),
  );
  const [host = registry] = mirrors;
  return mirrors.size === 1 ? host : registry;
};

/** How the engine reaches the registries of what it pulls, and of its cache. */
const registriesOf = async (
  { registries, secrets, redactor }: BuildOptions,
  references: readonly string[],
): Promise<EngineRegistry[]> => {
  const hosts = [...new Set(references.map((reference) => parseReference(reference).registry))];
  return Promise.all(
    hosts.map(async (registry): Promise<EngineRegistry> => {
      const host = pulledFrom(registries, registry, references);
      const definition = registries.definitionOf(host);
      const credentials = await registries.credentialsOf(host);
      if (credentials) redactor.add(credentials.password);
      const ca = definition?.ca === undefined ? undefined : await secrets.open(definition.ca);
      return {
        registry,
        ...((host !== registry || definition?.endpoint !== undefined) && { endpoint: definition?.endpoint ?? host }),
        scheme: definition?.scheme ?? 'https',
        ...(credentials && { username: credentials.username, password: credentials.password }),
        ...(ca !== undefined && { ca }),
      };
    }),
  );
};

/** A repository of the same registry that has the base's layers: they need not travel. */
const repositoryBeside = (repository: string, inputs: ResolvedInputs['inputs']): string | undefined => {
  const { registry } = parseReference(repository);
  const base = inputs.find(({ role, reference }) => role === 'base' && parseReference(reference).registry === registry);
  return base && repositoryName(parseReference(base.reference));
};
