/** What is the same for every client of BuildKit: the files of a job, its progress, and what its errors mean. */
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { parseReference } from '#libs/oci';
import { addressesOf } from '../addresses.js';
import { dockerConfig } from '../docker-config.js';
import { type BuildOutcome, type BuildRequest, EngineError } from '../engine.js';
import type { Limiter } from '../limits/limits.js';
import { finishLayout } from '../layout.js';
import { runGroup } from '../process-group.js';
import { redactor } from '../redact.js';
import { giveSecrets, type GivenSecrets } from '../secret-arguments.js';
import { diagnose } from './failures.js';
import { RawJsonReader } from './raw-json.js';
import { sourcePolicy } from './source-policy.js';

export interface Job {
  /** A folder of this job alone, with `config.json` (logins) and `policy.json` (pins). */
  readonly dir: string;
  readonly secrets: GivenSecrets;
  /** Control group for what the build's steps start. */
  readonly cgroup: string | undefined;
}

export interface JobSettings {
  readonly workDir: string;
  readonly limiter?: Limiter | undefined;
  /** Whether the client takes a build argument of this name from a variable. */
  readonly takesVariable: (name: string) => boolean;
  /** Makes the daemon free what a step wrote that did not end well: by itself it does that at its next collection only. */
  readonly collect: () => Promise<unknown>;
}

/** How a client is called for a job. */
export interface ClientCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Sentence that says how to get the program. */
  readonly install: string;
}

const jobPrefix = 'job-';

/** A hundred years: nothing in the cache is as old, so that nothing but what is in no use at all is removed. */
export const collectOlderThan = '876000h';

/**
 * Runs a client to its end. It must print BuildKit's `rawjson` progress, and write an OCI layout into `outputDir`.
 * @throws EngineError
 */
export async function runJob(
  request: BuildRequest,
  { workDir, limiter, takesVariable, collect }: JobSettings,
  callFor: (job: Job) => Promise<ClientCall>,
): Promise<BuildOutcome> {
  if (request.signal.aborted) return { kind: 'canceled' };
  const dockerfile = isAbsolute(request.dockerfile) ? request.dockerfile : join(request.contextDir, request.dockerfile);
  if (!(await exists(dockerfile))) {
    const reason = `The Dockerfile ${request.dockerfile} is not in the context.`;
    return { kind: 'failed', code: 'DOCKERFILE_NOT_FOUND', reason };
  }
  await mkdir(workDir, { recursive: true });
  const dir = await mkdtemp(join(workDir, jobPrefix));
  try {
    await writeFile(join(dir, 'config.json'), dockerConfig(request.registries), { mode: 0o600 });
    await writeFile(join(dir, 'policy.json'), JSON.stringify(sourcePolicy(request.pins, request.registries)));
    const secrets = await giveSecrets(request.secretArgs, { dir, dockerfile, takesVariable });
    if (secrets.kind !== 'given') return secrets;
    const run = async (limited: BuildRequest, cgroup: string | undefined): Promise<BuildOutcome> =>
      runClient(limited, await callFor({ dir, secrets, cgroup }));
    const outcome = await (limiter ? limiter.run(request, run) : run(request, undefined));
    // What the daemon says to that changes nothing of how the build ended.
    if (outcome.kind !== 'built') await collect().catch(() => undefined);
    return outcome;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Removes what jobs of a killed process left. */
export async function removeJobs(workDir: string): Promise<void> {
  if (!(await exists(workDir))) return;
  for (const name of await readdir(workDir)) {
    if (name.startsWith(jobPrefix)) await rm(join(workDir, name), { recursive: true, force: true });
  }
}

async function runClient(request: BuildRequest, call: ClientCall): Promise<BuildOutcome> {
  const redact = redactor(request.secretArgs);
  const words: string[] = [];
  const reader = new RawJsonReader({
    onLog: (line) =>
      request.onLog({
        ...line,
        text: redact(line.text),
        ...(line.step === undefined ? {} : { step: redact(line.step) }),
      }),
    onProgress: (progress) => request.onProgress?.({ ...progress, name: redact(progress.name) }),
    onOther: (line) => words.push(redact(line)),
  });
  const end = await start(call, {
    cwd: request.contextDir,
    env: call.env,
    signal: request.signal,
    timeoutMs: request.timeoutMs,
    onStdout: (line) => reader.line(line),
    onStderr: (line) => reader.line(line),
  });
  reader.end();
  if (end.ended !== 'exit') return { kind: end.ended };
  if (end.code === 0) return finishLayout(request.outputDir, { annotations: request.annotations ?? {}, redact });
  const found = diagnose(words.join('\n'), call.program);
  if (found.kind === 'ours') throw new EngineError(found.code, redact(found.reason));
  for (const text of words) if (text !== '') request.onLog({ stream: 'stderr', text });
  return { kind: 'failed', code: found.code, reason: redact(found.reason) };
}

/** Where steps are kept between builds, as `type=registry` takes it: imported, unless all is to be done anew, and exported. */
export function cacheSettings({ cache, noCache, registries }: BuildRequest): { from: string[]; to: string[] } {
  if (cache === undefined) return { from: [], to: [] };
  const { registry } = parseReference(cache);
  const ref = `type=registry,ref=${addressesOf(registries)(registry)}${cache.slice(registry.length)}`;
  // Registries that take nothing but images take this form, and what they refuse is not worth a build.
  const to = `${ref},mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true`;
  return { from: noCache ? [] : [ref], to: [to] };
}

async function start(call: ClientCall, options: Parameters<typeof runGroup>[2]): ReturnType<typeof runGroup> {
  try {
    return await runGroup(call.program, call.args, options);
  } catch (error) {
    const message = `${call.program} cannot be started: ${(error as Error).message}. ${call.install}`;
    throw new EngineError('ENGINE_UNAVAILABLE', message, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
