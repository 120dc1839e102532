import { offeredPlatformSchema, type Snapshot } from '#libs/contracts';

/** Platforms of one index that are kept; official images have about a dozen. */
const platformsKept = 256;

/** Without the children whose platform is no name: a registry must not fill the log, nor keep a tag from being adopted. */
export const namable = ({ digest, mediaType, platforms, created, tag }: Snapshot): Snapshot => ({
  digest,
  mediaType,
  platforms: Object.fromEntries(
    Object.entries(platforms)
      .filter(([platform]) => offeredPlatformSchema.safeParse(platform).success)
      .slice(0, platformsKept),
  ),
  ...(created === undefined ? {} : { created }),
  ...(tag === undefined ? {} : { tag }),
});
