import { PlinthError } from '#libs/contracts';
import { canonicalReference } from '#libs/oci';

/**
 * The canonical form of a reference that a request names.
 * @throws PlinthError INVALID_ARGUMENT naming the field
 */
export const canonicalField = (text: string, field = 'reference'): string => {
  try {
    return canonicalReference(text);
  } catch (error) {
    const { message } = error as Error;
    throw new PlinthError('INVALID_ARGUMENT', message, [{ field, message }]);
  }
};
