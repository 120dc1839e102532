import { PlinthError, type RegistryDefinition } from '#libs/contracts';
import { beginning } from '#libs/oci';

type Parts = { readonly [K in 'mirrorOf' | 'mirrorPath']?: RegistryDefinition[K] | null };

/** @throws PlinthError INVALID_ARGUMENT when the registry would mirror itself, or its path stands for nothing */
export const checkMirror = (host: string, { mirrorOf, mirrorPath }: Parts): void => {
  const fail = (field: string, message: string): never => {
    throw new PlinthError('INVALID_ARGUMENT', `${field}: ${message}.`, [{ field, message }]);
  };
  if (mirrorPath && !mirrorOf) fail('mirrorPath', 'expected together with mirrorOf, whose path it stands for');
  if (mirrorOf && beginning(mirrorOf).registry === host) fail('mirrorOf', 'expected another registry than this one');
};
