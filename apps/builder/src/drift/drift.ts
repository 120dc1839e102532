import type { PushedImage } from '#libs/contracts';
import type { OutputCommand } from '#libs/domain';
import type { Logger } from '#libs/event-log';
import { isRegistryError, parseReference, repositoryName } from '#libs/oci';
import type { BuilderMetrics, ImageRegistry, Leases } from '../ports.js';
import type { StandingOutputs } from '../projection/published.js';
import type { BuilderClock } from '../time.js';
import { onlyOne } from './single-flight.js';

export interface DriftOptions {
  readonly registry: Pick<ImageRegistry, 'head' | 'manifest' | 'put'>;
  readonly published: {
    standing(): Iterable<StandingOutputs>;
    standingOf(task: string): StandingOutputs | undefined;
    isActive(task: string): boolean;
    earlierRun(task: string, reference: string, digest: string, position: number): string | undefined;
  };
  /** What was said to be foreign of a tag, as long as it is. */
  readonly foreignAt: (reference: string) => string | null;
  /** Puts what was found, and done about it, into the log. */
  readonly say: (reference: string, command: OutputCommand) => Promise<unknown>;
  readonly leases: Leases;
  readonly builderId: string;
  readonly clock: BuilderClock;
  readonly logger: Logger;
  readonly putTimeoutMs: number;
  readonly metrics?: BuilderMetrics | undefined;
}

/** Looks at registries that are made at the same time. */
const parallel = 4;
const leaseKey = 'drift';
const leaseMs = 30_000;

interface Expected {
  readonly task: string;
  readonly run: string;
  readonly output: PushedImage;
}

/** Ends only when it is read to its end, so that several may read it by turns. */
function outputsOf(standing: Iterable<StandingOutputs>): Iterable<Expected> {
  const all = (function* (): Generator<Expected> {
    for (const { task, run, outputs } of standing) for (const output of outputs) yield { task, run, output };
  })();
  return { [Symbol.iterator]: () => ({ next: () => all.next() }) };
}

/** What one pass found. */
export interface DriftReport {
  readonly looked: number;
  readonly repaired: number;
  readonly unknown: number;
}

/**
 * Registries cannot compare and swap, so a builder that was cut off may move a tag back after its run was given up. A
 * stable output that shows the digest of an earlier run of the same task is moved forward again. A digest that no run
 * of the task made is a person's or another task's: it is reported once and left alone. Either is an event.
 */
export class DriftReconciler {
  constructor(private readonly options: DriftOptions) {}

  /** One pass over everything, unless another builder is at it. */
  async reconcile(signal: AbortSignal): Promise<DriftReport | undefined> {
    const { leases, builderId, clock } = this.options;
    let report: DriftReport | undefined;
    await onlyOne(leases, leaseKey, builderId, leaseMs, clock, async () => {
      report = await this.#pass(signal);
    });
    return report;
  }

  async #pass(signal: AbortSignal): Promise<DriftReport> {
    const report = { looked: 0, repaired: 0, unknown: 0 };
    // A registry that asks for peace, or is down, is left alone until the next pass.
    const quiet = new Set<string>();
    // One generator that all lookers take from: there may be a million outputs, and none is looked at twice.
    const outputs = outputsOf(this.options.published.standing());
    const look = async (): Promise<void> => {
      for (const next of outputs) {
        if (signal.aborted) return;
        const { registry } = parseReference(next.output.reference);
        if (quiet.has(registry)) continue;
        try {
          report.looked++;
          const found = await this.#look(next.task, next.run, next.output, signal);
          if (found !== 'same') report[found]++;
        } catch (error) {
          if (signal.aborted) return;
          if (isRegistryError(error, 'RATE_LIMITED', 'UNAVAILABLE', 'TIMEOUT')) quiet.add(registry);
          this.options.logger.debug(
            { reference: next.output.reference, err: error },
            'A tag could not be looked at for drift.',
          );
        }
      }
    };
    await Promise.all(Array.from({ length: parallel }, look));
    return report;
  }

  async #look(
    task: string,
    run: string,
    { reference, digest }: PushedImage,
    signal: AbortSignal,
  ): Promise<'same' | 'repaired' | 'unknown'> {
    const { published, registry, logger, metrics, foreignAt, say } = this.options;
    const tag = { reference, task, run };
    if (published.isActive(task)) return 'same';
    const head = await registry.head(reference, signal);
    if (!head || head.digest === digest) {
      if (head && foreignAt(reference) !== null) await say(reference, { type: 'regained', ...tag });
      return 'same';
    }
    // The look took time: what it is compared with may have changed, and a run that moves tags now is in charge.
    const now = published.standingOf(task);
    if (!now || now.run !== run || published.isActive(task)) return 'same';
    const earlier = published.earlierRun(task, reference, head.digest, now.position);
    if (earlier === undefined) {
      if (foreignAt(reference) === head.digest) return 'same';
      logger.warn(
        { task, reference, found: head.digest, expected: digest },
        `${reference} shows an image that no run of task ${task} made; it is left as it is.`,
      );
      metrics?.driftUnknown();
      await say(reference, { type: 'foreign', ...tag, found: head.digest, expected: digest });
      return 'unknown';
    }
    const at = `${repositoryName(parseReference(reference))}@${digest}`;
    const manifest = await registry.manifest(at, signal);
    if (published.isActive(task)) return 'same';
    await registry.put(reference, manifest, { timeoutMs: this.options.putTimeoutMs, signal });
    logger.warn(
      { task, reference, found: head.digest, run: earlier, to: digest },
      `${reference} had gone back to the image of run ${earlier}; it was moved forward to that of run ${run} again.`,
    );
    metrics?.driftRepaired();
    await say(reference, { type: 'repaired', ...tag, found: head.digest, foundRun: earlier, to: digest });
    return 'repaired';
  }
}
