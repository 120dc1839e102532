import type { ImageView } from '#libs/contracts';
import { exitCodes } from '#libs/contracts/light';
import { CliError } from '../../errors.js';
import type { Session } from '../../session.js';

/** @throws CliError (not found) for an image that is not watched */
export const watchedImage = async ({ client }: Session, reference: string): Promise<ImageView> => {
  const { images } = await (await client()).listImages({ reference });
  if (images[0]) return images[0];
  throw new CliError(`${reference} is not watched: no task stands on it.`, exitCodes.notFound, 'plinth image list');
};
