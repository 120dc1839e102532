import { usageError } from '../errors.js';
import type { Session } from '../session.js';
import { allPages } from '../pages.js';

/** Whether the first part of a name is a registry, by Docker's rule. */
const namesRegistry = (image: string): boolean => {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
};

/**
 * The host that `-r` means: a host, or the first part of the host of a registry that is known (`myregistry` for
 * `myregistry.azurecr.io`), as az takes it.
 */
export const registryOf = async (session: Session, given: string | undefined): Promise<string | undefined> => {
  const name = given ?? (await session.connection()).registry;
  if (name === undefined) return undefined;
  if (/[.:]/.test(name) || name === 'localhost') return name;
  const plinth = await session.client();
  const known = await allPages(
    (page) => plinth.listRegistries(page),
    ({ registries }) => registries,
  );
  const found = known.filter(({ host }) => host === name || host.startsWith(`${name}.`) || host.startsWith(`${name}:`));
  if (found.length === 1) return found[0]!.host;
  if (found.length > 1) {
    throw usageError(`-r ${name} could be ${found.map(({ host }) => host).join(' or ')}.`, 'give the whole host');
  }
  throw usageError(
    `There is no registry ${name}.`,
    `give its host, or make it known: plinth registry add ${name}.example.com`,
  );
};

/** Image names with the registry of `-r` put before those that name none. */
export const withRegistry = async (
  session: Session,
  images: readonly string[] | undefined,
  given: string | undefined,
): Promise<string[] | undefined> => {
  if (images === undefined) return undefined;
  if (images.every(namesRegistry)) return [...images];
  const host = await registryOf(session, given);
  const without = images.find((image) => !namesRegistry(image));
  if (host === undefined) {
    throw usageError(`The image name ${without} names no registry.`, `write HOST/${without}, or give -r HOST`);
  }
  return images.map((image) => (namesRegistry(image) ? image : `${host}/${image}`));
};
