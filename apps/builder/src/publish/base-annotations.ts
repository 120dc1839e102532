import type { UsedInput } from '#libs/contracts';
import { formatReference, parseReference } from '#libs/oci';
import type { Annotations, AnnotationsOf } from './image.js';

const name = 'org.opencontainers.image.base.name';
const digest = 'org.opencontainers.image.base.digest';

/**
 * The base of each platform's image in the words of the OCI image-spec (annotations.md): the reference that the final
 * stage stands on, and the digest of what that named, which is the index where there is one.
 */
export const baseAnnotations =
  (baseOf: Readonly<Record<string, string | null>>, inputs: readonly UsedInput[]): AnnotationsOf =>
  (platform): Annotations => {
    const reference = baseOf[platform];
    const base = inputs.find((input) => input.reference === reference && input.role === 'base');
    if (!reference || !base) return {};
    return { [name]: formatReference(withoutDigest(reference)), [digest]: base.digest };
  };

/** A tag that is pinned in the Dockerfile stays readable; the digest has its own annotation. */
const withoutDigest = (reference: string): ReturnType<typeof parseReference> => {
  const { registry, repository, tag } = parseReference(reference);
  return { registry, repository, ...(tag !== undefined && { tag }) };
};
