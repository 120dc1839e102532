import { parseReference } from '#libs/oci';
import { addressesOf, addressOf } from '../addresses.js';
import type { EngineRegistry, Pin } from '../engine.js';

/**
 * containers-policy.json(5) which lets only pinned digests in: a tag that slipped through would be refused, not resolved.
 * What lies in local storage came in by this rule.
 */
export function signaturePolicy(pins: readonly Pin[], registries: readonly EngineRegistry[]): string {
  const accept = [{ type: 'insecureAcceptAnything' }];
  const docker = Object.fromEntries(pins.map((pin) => [pinnedName(pin, registries), accept]));
  return JSON.stringify({
    default: [{ type: 'reject' }],
    transports: { docker, 'containers-storage': { '': accept }, oci: { '': accept } },
  });
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
