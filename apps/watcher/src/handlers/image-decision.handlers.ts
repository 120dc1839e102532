import { Injectable } from '@nestjs/common';
import { PlinthError, type ImageView, type Input, type Snapshot } from '#libs/contracts';
import { isRegistryError, parseReference, withDigest, type Digest } from '#libs/oci';
import { canonicalField } from '#libs/runtime';
import type { CallContext } from '#libs/service';
import { tagDecider, type TagCommand, type TagState } from '../tags/tag.decider.js';
import { namable } from '../looking/namable.js';
import { WatcherService } from '../watcher.service.js';
import { ImageViews } from './image-views.js';

/** What a person decides of an image. */
@Injectable()
export class ImageDecisionHandlers {
  private readonly views: ImageViews;

  constructor(private readonly watcher: WatcherService) {
    this.views = new ImageViews(watcher);
  }

  holdImage(input: Input<'holdImage'>, call: CallContext): Promise<ImageView> {
    return this.execute(input, call, (by) => ({ type: 'hold', ...by }));
  }

  releaseImage({ digest, urgent, ...input }: Input<'releaseImage'>, call: CallContext): Promise<ImageView> {
    return this.execute(input, call, (by) => ({ type: 'release', digest, urgent, ...by }));
  }

  async pinImage({ digest, ...input }: Input<'pinImage'>, call: CallContext): Promise<ImageView> {
    const reference = canonicalField(input.reference);
    const to = await this.snapshot(this.watched(reference), digest);
    return this.execute(input, call, (by) => ({ type: 'pin', to, ...by }));
  }

  unpinImage(input: Input<'unpinImage'>, call: CallContext): Promise<ImageView> {
    return this.execute(input, call, (by) => ({ type: 'unpin', ...by }));
  }

  rollbackImage(input: Input<'rollbackImage'>, call: CallContext): Promise<ImageView> {
    return this.execute(input, call, (by) => ({ type: 'rollback', ...by }));
  }

  private async execute(
    { reference: given, reason }: { readonly reference: string; readonly reason: string },
    call: CallContext,
    command: (by: { reference: string; reason: string; by: string }) => TagCommand,
  ): Promise<ImageView> {
    const { log, tags, reconsidering } = this.watcher;
    const reference = canonicalField(given);
    this.watched(reference);
    const { subject: by } = call.principal;
    await log.commands.execute(tags, tagDecider, reference, command({ reference, reason, by }));
    // What follows from it (an unpinned tag goes where it points) stands in the answer.
    await reconsidering.attend(reference);
    const { state, sequence } = tags.get(reference);
    call.wrote(sequence);
    return this.views.of(state);
  }

  private watched(reference: string): TagState {
    const { state } = this.watcher.tags.get(reference);
    if (state.watched) return state;
    throw new PlinthError('NOT_FOUND', `${reference} is not watched: no task tracks it.`);
  }

  /** What a digest of the image is: known from before, or asked of the registry. */
  private async snapshot(state: TagState, digest: string | undefined): Promise<Snapshot> {
    const { reference, adopted, current, adoptedBefore, candidates } = state;
    if (digest === undefined) {
      if (adopted) return adopted;
      throw new PlinthError('FAILED_PRECONDITION', `Nothing of ${reference} is adopted yet: name a digest.`);
    }
    const known = [adopted, current, ...adoptedBefore, ...candidates.map(({ snapshot }) => snapshot)];
    const found = known.find((one) => one?.digest === digest);
    if (found) return found;
    try {
      const at = withDigest(parseReference(reference), digest as Digest);
      return namable(await this.watcher.registries.client.resolve(at));
    } catch (error) {
      if (!isRegistryError(error)) throw error;
      if (error.code !== 'NOT_FOUND') throw new PlinthError('UNAVAILABLE', error.message, [], { cause: error });
      throw new PlinthError('FAILED_PRECONDITION', `The registry has no ${digest} of ${reference}.`, [
        { field: 'digest', message: 'expected a digest that the repository has; plinth image history names some' },
      ]);
    }
  }
}
