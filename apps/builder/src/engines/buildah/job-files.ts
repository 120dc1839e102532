import { parseReference } from '#libs/oci';
import { addressesOf, addressOf } from '../addresses.js';
import type { BuildRequest, EngineRegistry, Pin } from '../engine.js';

/**
 * containers-policy.json(5) which lets only pinned digests in: a tag that slipped through would be refused, not resolved.
 * What lies in local storage came in by this rule.
 */
export function signaturePolicy(request: Pick<BuildRequest, 'pins' | 'registries' | 'cache'>): string {
  const accept = [{ type: 'insecureAcceptAnything' }];
  const names = request.pins.map((pin) => pinnedName(pin, request.registries));
  const docker = Object.fromEntries([...names, ...cacheRepository(request)].map((name) => [name, accept]));
  return JSON.stringify({
    default: [{ type: 'reject' }],
    transports: { docker, 'containers-storage': { '': accept }, oci: { '': accept } },
  });
}

/** Buildah keeps each step under a tag of its own, so the repository alone counts. */
export function cacheArguments(request: Pick<BuildRequest, 'registries' | 'cache' | 'noCache'>): string[] {
  return cacheRepository(request).flatMap((repository) => [
    ...(request.noCache ? [] : [`--cache-from=${repository}`]),
    `--cache-to=${repository}`,
  ]);
}

function cacheRepository({ cache, registries }: Pick<BuildRequest, 'registries' | 'cache'>): string[] {
  if (cache === undefined) return [];
  const { registry, repository } = parseReference(cache);
  return [`${addressesOf(registries)(registry)}/${repository}`];
}

/** registries.conf(5): which registries speak plain HTTP; short names mean Docker Hub, as in a Dockerfile of Docker's. */
export function registriesConf(registries: readonly EngineRegistry[]): string {
  const insecure = registries
    .filter(({ scheme }) => scheme === 'http')
    .map((registry) => `[[registry]]\nlocation = ${JSON.stringify(addressOf(registry))}\ninsecure = true\n`);
  return `unqualified-search-registries = ["docker.io"]\nshort-name-mode = "disabled"\n${insecure.join('')}`;
}

/** storage.conf(5): a store of this slot's own, so that builds never wait for each other's locks. */
export function storageConf(slotDir: string, driver: 'overlay' | 'vfs'): string {
  const [graph, run] = [JSON.stringify(`${slotDir}/graph`), JSON.stringify(`${slotDir}/run`)];
  return `[storage]\ndriver = "${driver}"\ngraphroot = ${graph}\nrunroot = ${run}\n`;
}

/**
 * `--build-context NAME=docker-image://…` for each pin. Buildah compares NAME with the text of the Dockerfile, so every
 * usual spelling of a reference is given.
 */
export function pinArguments(pins: readonly Pin[], registries: readonly EngineRegistry[]): string[] {
  return pins.flatMap((pin) =>
    spellings(pin.reference).map((name) => `--build-context=${name}=docker-image://${pinnedName(pin, registries)}`),
  );
}

/** By where the registry is, not by what it is called. */
function pinnedName({ reference, digest }: Pin, registries: readonly EngineRegistry[]): string {
  const { registry, repository } = parseReference(reference);
  return `${addressesOf(registries)(registry)}/${repository}@${digest}`;
}

/** `docker.io/library/node:latest` is also written `library/node`, `docker.io/node:latest`, `node` and so on. */
export function spellings(reference: string): string[] {
  const { registry, repository, tag, digest } = parseReference(reference);
  const names = [`${registry}/${repository}`];
  if (registry === 'docker.io') {
    names.push(repository, `index.docker.io/${repository}`);
    const short = /^library\/([^/]+)$/.exec(repository)?.[1];
    if (short !== undefined) names.push(short, `docker.io/${short}`, `index.docker.io/${short}`);
  }
  const suffixes = tag === undefined ? [''] : tag === 'latest' ? [':latest', ''] : [`:${tag}`];
  return names.flatMap((name) =>
    suffixes.map((suffix) => `${name}${suffix}${digest === undefined ? '' : `@${digest}`}`),
  );
}
