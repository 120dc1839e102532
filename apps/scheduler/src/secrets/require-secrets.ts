import { PlinthError, type FieldViolation, type TaskDefinition } from '#libs/contracts';
import { storedNameOf, type SecretStore } from '#libs/service';
import { secretsOfStep } from './secret-users.js';

/**
 * What a build may use is its team's. It is checked again where the secret is opened: what is stored later, under a
 * name that the task has now, may be another team's.
 *
 * @param what `The task app`, as the error names it
 * @throws PlinthError PERMISSION_DENIED naming the fields
 */
export const requireSecretsOf = async (
  secrets: Pick<SecretStore, 'info'>,
  { team, step }: Pick<TaskDefinition, 'team' | 'step'>,
  what: string,
): Promise<void> => {
  const problems: FieldViolation[] = [];
  for (const { field, secretRef } of secretsOfStep(step)) {
    const stored = storedNameOf(secretRef);
    const secret = stored === undefined ? undefined : await secrets.info(stored);
    if (!secret || secret.shared || secret.team === team) continue;
    problems.push({
      field,
      message: `${secretRef} belongs to the team ${secret.team}, not to ${team}`,
    });
  }
  if (problems.length === 0) return;
  throw new PlinthError(
    'PERMISSION_DENIED',
    `${what} cannot be taken: ${problems[0]?.message}. Store a secret of the team ${team}, or let the other team share its own.`,
    problems,
  );
};
