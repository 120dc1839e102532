import { PlinthError } from '#libs/contracts';
import { secretsOfRegistry } from '#libs/domain';
import { storedNameOf, storedNamesOf, storedSecrets, type SecretStore } from '#libs/service';

type Secrets = Pick<SecretStore, 'info'>;
type Parts = Parameters<typeof secretsOfRegistry>[0];

/**
 * Stored secrets that a registry names must be there. A password that is typed where the name of one belongs looks like
 * a name, and what is taken stands in the log for ever; the message does not repeat it.
 *
 * @throws PlinthError FAILED_PRECONDITION naming the fields
 */
export const requireStoredSecrets = async (secrets: Secrets, parts: Parts): Promise<void> => {
  const named = secretsOfRegistry(parts);
  const stored = await storedSecrets(secrets, named);
  const problems = named.flatMap(({ field, secretRef }) => {
    const name = storedNameOf(secretRef);
    if (name === undefined || stored.has(name)) return [];
    return [{ field, message: 'no stored secret has this name; env:NAME and file:/path are taken, too' }];
  });
  if (problems.length === 0) return;
  const fields = problems.map(({ field }) => field).join(' and ');
  throw new PlinthError(
    'FAILED_PRECONDITION',
    `${fields} must say where the secret is, never the secret itself. Store it first with PUT /v1/secrets/NAME.`,
    problems,
  );
};

/** Names of stored secrets that are not there: a file may be applied before they are. */
export const missingSecrets = async (secrets: Secrets, registries: readonly Parts[]): Promise<string[]> => {
  const named = registries.flatMap(secretsOfRegistry);
  const stored = await storedSecrets(secrets, named);
  return storedNamesOf(named).filter((name) => !stored.has(name));
};
