import { inputKey } from '#libs/domain';
import type { Pin } from '#libs/contracts';
import type { Adoption, Standing } from './facts.js';
import type { ImageNode, Images, TaskNode } from './nodes.js';

/** Whether an edge between two tasks counts: inside a loop it neither triggers nor holds. */
export const inLoop = (a: TaskNode, b: TaskNode): boolean =>
  a.id === b.id || (a.component !== null && a.component === b.component);

/**
 * Whether a task that pushes this image is in a loop with the task: then the image triggers nothing in it, whoever else
 * pushes it too, or the loop would feed itself.
 */
export const fromOwnLoop = (task: TaskNode, image: ImageNode): boolean => {
  if (task.component === null && !task.tracksItself) return false;
  for (const producer of image.producers) if (inLoop(producer, task)) return true;
  return false;
};

/** The newest adopted digest that has every platform that is wanted. */
export const usable = (image: ImageNode, platforms: readonly string[]): Adoption | undefined =>
  image.adoptions.find(({ snapshot }) => platforms.every((platform) => platform in snapshot.platforms));

/** A tracked input whose adopted digest differs, for a platform of the task, from the one that the task stands on. */
export interface MovedInput {
  readonly reference: string;
  /** Index digest that the standing run used. */
  readonly from: string;
  readonly adoption: Adoption;
}

/** How one tracked input of a task moved; undefined where it did not. */
const moved = (
  task: TaskNode,
  standing: Standing,
  reference: string,
  platforms: readonly string[],
  images: Images,
): MovedInput | undefined => {
  const image = images.get(reference);
  if (!image || fromOwnLoop(task, image)) return undefined;
  const adoption = usable(image, platforms);
  if (!adoption) return undefined;
  // Both sides are computed with today's tracked set: what the standing run did not use says nothing.
  for (const used of standing.inputs) {
    if (used.reference !== reference) continue;
    for (const platform of platforms) {
      const then = used.platforms[platform];
      if (then === undefined || adoption.snapshot.platforms[platform] === then) continue;
      return { reference, from: used.digest, adoption };
    }
  }
  return undefined;
};

/** From what is stored, with all that there is to say; the model itself keeps up to date whether there is any. */
export const movedInputs = (task: TaskNode, images: Images): MovedInput[] => {
  const { standing } = task;
  if (!standing) return [];
  return [...task.tracked].flatMap(
    ([reference, platforms]) => moved(task, standing, reference, platforms, images) ?? [],
  );
};

/** Input key of a task as things are now. */
export const currentKey = (task: TaskNode, images: Images): string => {
  const facts = new Map<string, Record<string, string>>();
  for (const [reference, platforms] of task.tracked) {
    const image = images.get(reference);
    const adoption = image && !fromOwnLoop(task, image) && usable(image, platforms);
    if (!adoption) continue;
    const { platforms: digests } = adoption.snapshot;
    facts.set(reference, Object.fromEntries(platforms.map((platform) => [platform, digests[platform] ?? ''])));
  }
  return inputKey(task.name, task.definitionHash, facts);
};

/** The digests that a run of the task is made to build on: one index digest for each tracked reference. */
export const currentPins = (task: TaskNode, images: Images): Pin[] => {
  const pins: Pin[] = [];
  for (const [reference, platforms] of task.tracked) {
    const image = images.get(reference);
    const adoption = image && usable(image, platforms);
    if (!adoption) continue;
    const { digest, platforms: digests } = adoption.snapshot;
    pins.push({
      reference,
      digest,
      platforms: Object.fromEntries(platforms.map((platform) => [platform, digests[platform] ?? digest])),
    });
  }
  return pins;
};
