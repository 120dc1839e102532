import { formatReference } from '#libs/oci';
import type { ImageSeen } from './image-reader.js';
import { type Evidence, proofOf } from './link.js';
import { provesBase } from './layers.js';

const annotations = new Set(['Manifest', 'Descriptor', 'Index']);
export const isAnnotation = ({ claim }: Pick<Evidence, 'claim'>): boolean => annotations.has(claim.source);

/**
 * Which of several claims tells what an image directly stands on:
 * 1. an annotation that its layers do not contradict;
 * 2. else, of what the layers prove, the one with the most layers: labels may be inherited, provenance lists every image
 *    of a build, candidates are guesses, and any ancestor's layers are first ones too;
 * 3. else an annotation although the layers contradict it, since a squashed image has other layers than its base;
 * 4. else a label; 5. else the only image that its build used.
 *
 * Undefined when nothing tells. The claims come in order of trust (see `claimSources`).
 */
export function chooseBase(
  image: Pick<ImageSeen, 'diffIds' | 'manifest'>,
  all: readonly Evidence[],
): Evidence | undefined {
  const said = all.filter(isAnnotation);
  const credible = said.find((one) => proofOf(image, one) !== 'NoPrefix');
  if (credible) return credible;

  const [most] = all
    .map((evidence) => ({ evidence, layers: provenLayers(image, evidence) }))
    .filter(({ layers }) => layers > 0)
    // Stable: of equally many layers the more trustworthy counts.
    .sort((a, b) => b.layers - a.layers);
  if (most) return most.evidence;

  const used = all.filter(({ claim }) => claim.source === 'Provenance');
  const names = new Set(used.map(({ claim }) => formatReference(claim.reference)));
  return said[0] ?? all.find(({ claim }) => claim.source === 'Label') ?? (names.size === 1 ? used[0] : undefined);
}

/** Layers of the base that are the first ones of the image; 0 when it is not proven, or is the image itself. */
function provenLayers({ diffIds, manifest }: Pick<ImageSeen, 'diffIds' | 'manifest'>, { used, now }: Evidence): number {
  for (const look of [used, now]) {
    if (look?.kind !== 'Found' || look.image.manifest === manifest) continue;
    if (provesBase(diffIds, look.image.diffIds)) return look.image.diffIds.length;
  }
  return 0;
}
