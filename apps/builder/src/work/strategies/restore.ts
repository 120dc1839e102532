import { imageKey, type BuiltRun } from '#libs/domain';
import type { Pin, Snapshot, UsedInput } from '#libs/contracts';
import type { ImageRegistry } from '../../ports.js';
import { platformDigest } from '../../pins/platform-digest.js';
import { PinBook } from '../../pins/pin-book.js';
import type { FinishedRun } from '../../projection/published.js';
import { outputsOf } from '../../publish/outputs.js';
import type { BuilderClock } from '../../time.js';
import { BuildFailure } from '../failure.js';
import type { Plan, Strategy, Work } from './strategy.js';

export interface RestoreOptions {
  readonly registry: Pick<ImageRegistry, 'head' | 'resolve'>;
  readonly clock: BuilderClock;
  /** Milliseconds; an image that was built longer ago is built anew. */
  readonly reuseForMs: number;
  adopted(reference: string): readonly Snapshot[];
  /** Why a reference may not be built on while nothing of it is adopted. */
  refusal(reference: string): string | undefined;
  finished(task: string, definitionHash: string, sourceRevision: string): readonly FinishedRun[];
}

/** Inputs by reference, with the digest per platform: what decides an image beside definition and source. */
type Facts = ReadonlyMap<string, Readonly<Record<string, string>>>;

const mergedFacts = (inputs: readonly Pick<UsedInput, 'reference' | 'platforms'>[]): Facts => {
  const facts = new Map<string, Record<string, string>>();
  for (const { reference, platforms } of inputs) {
    facts.set(reference, { ...facts.get(reference), ...platforms });
  }
  return facts;
};

/** Two images with one key are the same build of the same things (design §1, image key). */
const keyOf = (definitionHash: string, sourceRevision: string, facts: Facts): string =>
  imageKey({ inputKey: definitionHash, sourceRevision, untracked: facts, secretVersions: {} });

/**
 * Puts the image of an earlier run back when all that decides it is as it was then: a base that was reverted costs no
 * build. Only for automatic runs: who asks for a build gets one. The same definition and source name the same images,
 * so the inputs of the earlier run say which digests to compare; the context need not be opened.
 */
export const restoreStrategy = (options: RestoreOptions): Strategy => ({
  name: 'restore',
  applies: async (work) => {
    const { queued, tags } = work;
    const { task, offer, sourceRevision, definition, definitionHash } = queued;
    if (task === null || offer === null || sourceRevision === null || queued.overridden || tags.length === 0) return;
    // Whether the value behind such a name is the same as then cannot be told without its version.
    if (definition.step.noCache || definition.step.arguments.some(unversioned)) return undefined;
    const oldest = options.clock.now().getTime() - options.reuseForMs;
    const pins = new PinBook({
      pins: queued.pins,
      adopted: options.adopted,
      refusal: options.refusal,
      look: (reference) => options.registry.resolve(reference, work.signal),
    });
    for (const earlier of options.finished(task, definitionHash, sourceRevision)) {
      if (Date.parse(earlier.finishedAt) < oldest) break;
      // A run that did not use what the offer names says nothing of it.
      if (!queued.pins.every((pin) => earlier.inputs.some(({ reference }) => reference === pin.reference))) continue;
      if (!pinsHold(queued.pins, earlier.inputs)) continue;
      const now = await factsNow(earlier.inputs, pins);
      if (!now) continue;
      const then = mergedFacts(earlier.inputs);
      if (keyOf(definitionHash, sourceRevision, now) !== keyOf(definitionHash, sourceRevision, then)) continue;
      if (await stillThere(earlier, work, options.registry)) return planOf(earlier, work);
    }
    return undefined;
  },
});

const unversioned = ({ isSecret, secretRef }: { isSecret: boolean; secretRef?: string | undefined }): boolean =>
  (isSecret || secretRef !== undefined) && !/^[^:/]+@[0-9]+$/.test(secretRef ?? '');

/** Costs nothing, and rules nearly every candidate out before a registry is asked. */
const pinsHold = (pins: readonly Pin[], inputs: readonly UsedInput[]): boolean =>
  pins.every((pin) =>
    inputs
      .filter(({ reference }) => reference === pin.reference)
      .every(({ platforms }) =>
        Object.entries(platforms).every(([platform, digest]) => (pin.platforms[platform] ?? digest) === digest),
      ),
  );

/** What the same inputs are now; undefined when one is not there, which the build will say in words. */
const factsNow = async (inputs: readonly UsedInput[], pins: PinBook): Promise<Facts | undefined> => {
  const now = [];
  for (const { reference, platforms } of inputs) {
    const wanted = Object.keys(platforms);
    const pinned = await pins.pin(reference, wanted).catch((error: unknown) => {
      if (error instanceof BuildFailure) return undefined;
      throw error;
    });
    if (!pinned) return undefined;
    const { snapshot } = pinned;
    const digests = wanted.map((platform) => [platform, platformDigest(snapshot, platform) ?? '']);
    now.push({ reference, platforms: Object.fromEntries(digests) as Record<string, string> });
  }
  return mergedFacts(now);
};

const stillThere = async (
  { outputs }: FinishedRun,
  { tags, signal }: Work,
  registry: RestoreOptions['registry'],
): Promise<boolean> => {
  const [image] = outputs;
  if (!image) return false;
  const repositories = [...new Set(tags.map(({ repository }) => repository))];
  const heads = await Promise.all(
    repositories.map((repository) => registry.head(`${repository}@${image.digest}`, signal)),
  );
  return heads.every((head) => head !== undefined);
};

const planOf = ({ run, outputs, inputs }: FinishedRun, { queued, tags, log }: Work): Plan => ({
  make: (): Promise<BuiltRun> => {
    const [image] = outputs;
    if (!image) throw new Error(`Run ${run} has no image to put back.`);
    log.say(
      `All that decides this image is as it was for run ${run}: its image ${image.digest} is put back, without a build.`,
    );
    return Promise.resolve({ outputs: outputsOf(tags, image), inputs, sourceRevision: queued.sourceRevision });
  },
});
