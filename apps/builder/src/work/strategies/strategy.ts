import type { BuiltRun, QueuedRun } from '#libs/domain';
import type { TargetTag } from '../../publish/outputs.js';
import type { LogWriter } from '../log-writer.js';
import type { RegistryWork } from '../outcome.js';

/** An attempt, as what makes its image sees it. */
export interface Work {
  readonly queued: QueuedRun;
  readonly tags: readonly TargetTag[];
  /** Empty; removed when the attempt is over. */
  readonly directory: string;
  readonly log: LogWriter;
  readonly signal: AbortSignal;
  /** Milliseconds until the task's timeout. */
  timeLeft(): number;
  /** Tells what is being done at registries from here on. */
  doing(work: RegistryWork): void;
}

/** Makes the image be in every target repository by digest. No tag has moved yet when it is done. */
export interface Plan {
  make(): Promise<BuiltRun>;
}

/** A way to come by an image. They are asked in order and the first that has a plan makes it. */
export interface Strategy {
  readonly name: 'restore' | 'build';
  applies(work: Work): Promise<Plan | undefined>;
}
