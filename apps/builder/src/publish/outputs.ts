import type { PushedImage, Snapshot } from '#libs/contracts';
import { ImageNameError, isStable, renderImageName, type QueuedRun } from '#libs/domain';
import { parseReference, repositoryName } from '#libs/oci';
import { BuildFailure } from '../work/failure.js';

/** A tag that a run moves. */
export interface TargetTag {
  /** Canonical, with the run's variables put in. */
  readonly reference: string;
  /** `host/repository` */
  readonly repository: string;
  /** The same in every run: dependants can stand on it. */
  readonly stable: boolean;
}

/**
 * The tags that a run pushes, each once. A name that is stable under any spelling is stable.
 * @throws BuildFailure IMAGE_NAME_INVALID
 */
export const targetTags = ({ run, definition, createdAt }: QueuedRun): TargetTag[] => {
  const { step } = definition;
  if (!step.isPushEnabled) return [];
  const tags = new Map<string, TargetTag>();
  for (const name of step.imageNames) {
    let reference;
    try {
      reference = renderImageName(name, { id: run, date: new Date(createdAt) });
    } catch (error) {
      if (error instanceof ImageNameError)
        throw new BuildFailure('IMAGE_NAME_INVALID', error.message, { cause: error });
      throw error;
    }
    const stable = isStable(name) || (tags.get(reference)?.stable ?? false);
    tags.set(reference, { reference, repository: repositoryName(parseReference(reference)), stable });
  }
  return [...tags.values()];
};

/** One output per tag: all tags of a run get the same image. */
export const outputsOf = (tags: readonly TargetTag[], { digest, mediaType, platforms }: Snapshot): PushedImage[] =>
  tags.map(({ reference }) => ({ reference, digest, mediaType, platforms }));
