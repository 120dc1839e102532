import { PlinthError, type TaskDefinition } from '#libs/contracts';
import { secretsOfStep } from '#libs/domain';
import { storedNameOf, storedSecrets, type SecretInfo, type SecretStore } from '#libs/service';

type Named = Pick<TaskDefinition, 'team' | 'step'>;

/**
 * What a build may use is its team's, or shared. It is checked again where the secret is opened: what is stored later,
 * under a name that the task has now, may be another team's.
 *
 * @param what `The task app`, as the error names it
 * @throws PlinthError PERMISSION_DENIED naming the fields
 */
export const requireOwnSecrets = (
  { team, step }: Named,
  known: ReadonlyMap<string, SecretInfo>,
  what: string,
): void => {
  const problems = secretsOfStep(step).flatMap(({ field, secretRef }) => {
    const secret = known.get(storedNameOf(secretRef) ?? '');
    if (!secret || secret.shared || secret.team === team) return [];
    return [{ field, message: `${secretRef} belongs to the team ${secret.team}, not to ${team}` }];
  });
  if (problems.length === 0) return;
  throw new PlinthError(
    'PERMISSION_DENIED',
    `${what} cannot be taken: ${problems[0]?.message}. Store a secret of the team ${team}, or let the other team share its own.`,
    problems,
  );
};

/** {@link requireOwnSecrets} for one definition. */
export const requireSecretsOf = async (
  secrets: Pick<SecretStore, 'info'>,
  definition: Named,
  what: string,
): Promise<void> => requireOwnSecrets(definition, await storedSecrets(secrets, secretsOfStep(definition.step)), what);
