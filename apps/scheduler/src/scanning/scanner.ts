import { isPlinthError, type EventData, type TaskDefinition } from '#libs/contracts';
import { isContextError, openContext, parseContextPath, readContextFile, type OpenedContext } from '#libs/context';
import { isDockerfileError, resolveDockerfile } from '#libs/dockerfile';
import { sleep, type AggregateStore, type BlobStore, type Clock, type Commands, type Logger } from '#libs/event-log';
import { isRegistryError, parsePlatform, parseReference, type AddressPolicy, type RegistryClient } from '#libs/oci';
import { taskDecider, type TaskState } from '../tasks/task.decider.js';

export interface ScannerDependencies {
  readonly tasks: AggregateStore<TaskState>;
  readonly commands: Commands;
  readonly contexts: BlobStore;
  readonly registries: { readonly client: Pick<RegistryClient, 'getConfig' | 'getManifest' | 'getBlob'> };
  readonly secrets: { open(ref: string, team: string): Promise<string> };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly workDir: string;
  /** Which addresses contexts may come from; any that a task names unless said. */
  readonly addressPolicy?: AddressPolicy | undefined;
}

type Scanned = EventData<'task.scanned'>;
type Outcome = Pick<Scanned, 'status' | 'reason' | 'inputs' | 'sourceRevision'>;

const concurrency = 4;
const unknown = (reason: string, sourceRevision: string | null = null): Outcome => ({
  status: 'Unknown',
  reason,
  inputs: [],
  sourceRevision,
});

/** Something that may work later: a registry or a repository that does not answer, a secret that is not stored yet. */
const isPassing = (error: unknown): boolean =>
  (isPlinthError(error) && error.code === 'NOT_FOUND') ||
  (isContextError(error) && error.retryable) ||
  (isRegistryError(error) && ['UNAVAILABLE', 'RATE_LIMITED', 'TIMEOUT'].includes(error.code));

/**
 * Reads the Dockerfile of each new definition, without a build: so inputs are known, and watched, before a task ever
 * ran. What is to be scanned follows from the tasks, so nothing is lost in a restart.
 */
export class Scanner {
  private readonly waiting = new Set<string>();
  private readonly busy = new Set<string>();
  /** Scans in a row that something passing has stopped, and what it was, by task. */
  private readonly failed = new Map<string, { readonly tries: number; readonly reason: string }>();
  /** Works that scans wait for. */
  private held = 0;
  private readonly stopping = new AbortController();

  constructor(private readonly with_: ScannerDependencies) {}

  attend(tasks: Iterable<string>): void {
    for (const task of tasks) {
      const { definition, scanned } = this.with_.tasks.get(task).state;
      if (definition && !scanned) this.waiting.add(task);
    }
    this.pump();
  }

  /** Begins no scan until the work is done: thousands of new tasks are written first, and read afterwards. */
  async after<T>(work: () => Promise<T>): Promise<T> {
    this.held += 1;
    try {
      return await work();
    } finally {
      this.held -= 1;
      this.pump();
    }
  }

  /** Why the inputs of a task could not be read until now; they are read again by and by. */
  failureOf(task: string): string | null {
    const failure = this.failed.get(task);
    return failure ? `${failure.reason.replace(/[.\s]*$/, '.')} It is tried again.` : null;
  }

  stop(): void {
    this.stopping.abort();
  }

  private pump(): void {
    for (const task of this.waiting) {
      if (this.held > 0 || this.busy.size >= concurrency || this.stopping.signal.aborted) return;
      if (this.busy.has(task)) continue;
      this.waiting.delete(task);
      this.busy.add(task);
      void this.work(task).finally(() => {
        this.busy.delete(task);
        this.pump();
      });
    }
  }

  private async work(task: string): Promise<void> {
    const { tasks, commands, logger } = this.with_;
    const { definition, definitionHash, scanned } = tasks.get(task).state;
    if (!definition || scanned) return void this.failed.delete(task);
    try {
      const outcome = await this.scan(definition);
      const result: Scanned = { task, definitionHash, ...outcome };
      await commands.execute(tasks, taskDecider, task, { type: 'scanned', result }, {});
      this.failed.delete(task);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      logger.warn({ task, error: String(error) }, 'cannot read the inputs of a task now; trying again');
      this.again(task, error instanceof Error ? error.message : String(error));
    }
  }

  /** It waits outside: a repository that does not answer must not keep other tasks from being read. */
  private again(task: string, reason: string): void {
    const tries = this.failed.get(task)?.tries ?? 0;
    this.failed.set(task, { tries: tries + 1, reason });
    const delay = Math.min(60_000, 1000 * 2 ** tries);
    void sleep(this.with_.clock, delay, this.stopping.signal).then(() => this.attend([task]));
  }

  private async scan(definition: TaskDefinition): Promise<Outcome> {
    let context: OpenedContext | undefined;
    try {
      const { step } = definition;
      const { contexts, secrets, workDir, addressPolicy } = this.with_;
      context = await openContext(parseContextPath(step.contextPath), {
        archive: (digest) => contexts.get(digest),
        registry: this.with_.registries.client,
        workDir,
        signal: this.stopping.signal,
        ...(addressPolicy && { addressPolicy }),
        ...(step.contextAccessToken
          ? { accessToken: await secrets.open(step.contextAccessToken, definition.team) }
          : {}),
      });
      return await this.resolve(definition, context);
    } catch (error) {
      if (isPassing(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      return unknown(reason, context?.revision ?? null);
    } finally {
      await context?.close();
    }
  }

  private async resolve({ step, platforms }: TaskDefinition, { dir, revision }: OpenedContext): Promise<Outcome> {
    const text = (await readContextFile(dir, step.dockerFilePath)).toString('utf8');
    // The value of a secret argument must not become part of a name that everybody sees.
    const buildArgs = Object.fromEntries(
      step.arguments.flatMap(({ name, value, isSecret }) => (isSecret || value === undefined ? [] : [[name, value]])),
    );
    try {
      const { images, unknown: missing } = await resolveDockerfile(text, {
        buildArgs,
        platforms,
        ...(step.target ? { target: step.target } : {}),
        onBuild: (reference, platform) => this.triggersOf(reference, platform),
      });
      const notNamed = missing.find(({ kind }) => kind !== 'frontend');
      const inputs = images.map(({ reference, role, via, stage, line, platforms: used, pinned }) => ({
        reference,
        role,
        via,
        stage,
        line,
        platforms: [...used],
        pinned,
      }));
      return { status: 'Known', reason: notNamed?.message ?? null, inputs, sourceRevision: revision };
    } catch (error) {
      if (isDockerfileError(error)) return unknown(error.message, revision);
      throw error;
    }
  }

  /** ONBUILD triggers of a base. One that is not there yet, such as the output of a task that never ran, has none. */
  private async triggersOf(reference: string, platform: string): Promise<string[]> {
    try {
      const { config } = await this.with_.registries.client.getConfig(
        parseReference(reference),
        parsePlatform(platform),
      );
      return [...(config.config?.OnBuild ?? [])];
    } catch (error) {
      if (isRegistryError(error) && !isPassing(error)) return [];
      throw error;
    }
  }
}
