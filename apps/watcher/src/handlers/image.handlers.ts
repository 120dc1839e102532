import { Injectable } from '@nestjs/common';
import { PlinthError, type ImageView, type Input, type Output } from '#libs/contracts';
import { formatReference, isRegistryError, parseReference } from '#libs/oci';
import { smallest } from './smallest.js';
import { canonicalField, cursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import type { CallContext } from '#libs/service';
import { WatcherService } from '../watcher.service.js';
import { ImageViews } from './image-views.js';

@Injectable()
export class ImageHandlers {
  private readonly views: ImageViews;

  constructor(private readonly watcher: WatcherService) {
    this.views = new ImageViews(watcher);
  }

  async listImages(input: Input<'listImages'>): Promise<Output<'listImages'>> {
    const { tags, watchList } = this.watcher;
    if (input.reference) {
      const reference = canonicalField(input.reference);
      const { state } = tags.get(this.watched(reference));
      return { images: state.watched ? [this.views.of(state)] : [], nextPageToken: '' };
    }
    const size = pageSizeOf(input.pageSize);
    const after = cursorOf(input.pageToken) ?? '';
    const isWanted = (one: string) =>
      one > after && (!input.registry || parseReference(one).registry === input.registry);
    const { page, more } = smallest(size, watchList.list.references(), isWanted);
    return {
      images: page.flatMap((reference) => {
        const { state } = tags.get(reference);
        return state.watched ? [this.views.of(state)] : [];
      }),
      nextPageToken: more ? tokenOf(page.at(-1)!) : '',
    };
  }

  async lookAtImage(input: Input<'lookAtImage'>, call: CallContext): Promise<ImageView> {
    const { tags, looker } = this.watcher;
    const reference = this.watched(canonicalField(input.reference));
    if (!tags.get(reference).state.watched) {
      throw new PlinthError(
        'NOT_FOUND',
        `${reference} is not watched: no task tracks it. GET /v1/images lists those that are.`,
      );
    }
    try {
      await looker.look(reference, { seenBy: 'Request' });
    } catch (error) {
      if (!isRegistryError(error)) throw error;
      throw new PlinthError('UNAVAILABLE', error.message, [], { cause: error });
    }
    const { state, sequence } = tags.get(reference);
    call.wrote(sequence);
    return this.views.of(state);
  }

  /** The reference by which it is watched: that of its own registry, where the name of its mirror is given. */
  private watched(reference: string): string {
    const { tags, registries } = this.watcher;
    if (tags.get(reference).state.watched) return reference;
    const parsed = parseReference(reference);
    const names = registries.mirroredBy(parsed).map((one) => formatReference({ ...parsed, ...one }));
    return names.find((one) => tags.get(one).state.watched) ?? reference;
  }
}
