import type { Snapshot } from '#libs/contracts';
import { matchPlatform, parsePlatform } from '#libs/oci';

/** Digest of the manifest that an engine would take from this snapshot for a platform. */
export const platformDigest = ({ platforms }: Pick<Snapshot, 'platforms'>, wanted: string): string | undefined => {
  const same = platforms[wanted];
  if (same !== undefined) return same;
  const key = matchPlatform(parsePlatform(wanted), Object.keys(platforms));
  return key === undefined ? undefined : platforms[key];
};
