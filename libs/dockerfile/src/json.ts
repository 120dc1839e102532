import type { ImageUse, Resolution } from './resolve/result.js';

/** What `plinth inspect dockerfile -o json` prints for one image: these fields, in this order. */
export type ImageUseJson = Pick<ImageUse, 'reference' | 'role' | 'via' | 'stage' | 'line' | 'platforms' | 'pinned'>;

/** The list of images as plain data, for printing and for comparing with what a build says that it used. */
export function toJson({ images }: Pick<Resolution, 'images'>): ImageUseJson[] {
  return images.map(({ reference, role, via, stage, line, platforms, pinned }) => ({
    reference,
    role,
    via,
    stage,
    line,
    platforms: [...platforms],
    pinned,
  }));
}
