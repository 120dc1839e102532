/** The registry's own words about manifests that were put. */

/** A manifest that was put by a tag. */
export interface Put {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** At a registry without an API for it, what hangs on an image is found by this tag (OCI distribution-spec, "Referrers tag schema"). */
export const referrersTag = (digest: string): string => digest.replace(':', '-');
export const isReferrersTag = (tag: string): boolean => /^sha256-[0-9a-f]{64}$/.test(tag);

/** Manifests that were put, by tag or by digest, in the order in which the registry answered them. */
export const putsIn = (accessLog: string): { repository: string; reference: string }[] =>
  accessLog.split('\n').flatMap((line) => {
    const [, path = ''] = /"PUT (\S+) HTTP\/[\d.]+" 201 /.exec(line) ?? [];
    const [, repository, reference] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(path) ?? [];
    return repository === undefined || reference === undefined ? [] : [{ repository, reference }];
  });

interface Notice {
  readonly id: string;
  readonly action: string;
  readonly target: { readonly repository: string; readonly digest: string; readonly tag?: string };
}

/** Manifests put by tag as the registry notified them, in their order; one that was sent twice counts once. */
export const noticesIn = (notices: string): Put[] => {
  const seen = new Set<string>();
  return notices
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Notice)
    .flatMap(({ id, action, target: { repository, digest, tag } }) => {
      if (action !== 'push' || !tag || seen.has(id)) return [];
      seen.add(id);
      return [{ repository, tag, digest }];
    });
};
