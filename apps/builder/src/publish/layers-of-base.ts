import type { UsedInput } from '#libs/contracts';
import { parseManifest } from '#libs/oci';
import type { BaseConfigs } from '../pins/base-configs.js';
import type { PreparedImage } from './image.js';
import type { ShelvedLayer } from './layer-shelf.js';

/** The layers that a built image has of its base: for each platform as many of the first ones as the base has. */
export const layersOfBase = async (
  base: UsedInput,
  image: PreparedImage,
  configs: Pick<BaseConfigs, 'of'>,
): Promise<ShelvedLayer[]> => {
  const layers: ShelvedLayer[] = [];
  for (const [platform, digest] of Object.entries(base.platforms)) {
    const manifest = image.manifests.find((one) => one.digest === image.platforms[platform]);
    if (!manifest) continue;
    const { rootfs } = await configs.of(base.reference, digest);
    const parsed = parseManifest(manifest.bytes, manifest.mediaType);
    if (parsed.kind !== 'image') continue;
    for (const layer of parsed.layers.slice(0, rootfs.diff_ids.length)) {
      layers.push({ digest: layer.digest, size: layer.size, file: image.file(layer.digest) });
    }
  }
  return layers;
};
