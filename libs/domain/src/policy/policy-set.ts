import { PlinthError, type PolicyDefinition } from '#libs/contracts';
import { fits, overlap, specificity } from './patterns.js';

/** The policy whose pattern fits best; undefined where none does. There are no ties: they are refused when written. */
export const policyFor = (policies: Iterable<PolicyDefinition>, reference: string): PolicyDefinition | undefined => {
  let best: PolicyDefinition | undefined;
  let most = -1;
  for (const policy of policies) {
    for (const pattern of policy.match) {
      if (!fits(pattern, reference)) continue;
      const says = specificity(pattern);
      // Two writers at once could leave a tie behind; then everybody still decides alike.
      if (says < most || (says === most && policy.name > best!.name)) continue;
      [best, most] = [policy, says];
    }
  }
  return best;
};

/**
 * Refuses a policy that would be as specific as another one for the same image.
 *
 * @throws PlinthError FAILED_PRECONDITION with the pattern, the other policy and its pattern
 */
export const refuseTies = (policy: PolicyDefinition, others: Iterable<PolicyDefinition>): void => {
  for (const other of others) {
    if (other.name === policy.name) continue;
    for (const [index, pattern] of policy.match.entries()) {
      const tie = other.match.find(
        (theirs) => specificity(theirs) === specificity(pattern) && overlap(theirs, pattern),
      );
      if (tie === undefined) continue;
      throw new PlinthError('FAILED_PRECONDITION', `The policies ${policy.name} and ${other.name} would tie.`, [
        {
          field: `match[${index}]`,
          message: `expected a pattern that is more or less specific than ${tie} of the policy ${other.name}: some image fits both, and they say as much. Write out more of one of them`,
        },
      ]);
    }
  }
};
