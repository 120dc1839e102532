import { Argument, type Command } from 'commander';
import type { Client } from '#libs/client';
import type { ImageView } from '#libs/contracts';
import { command } from '../../command.js';
import { plural, shortDigest } from '../../output/words.js';
import { nonEmpty } from '../../parsers.js';
import { imageFields } from '../../views/image.js';
import { watchedImage } from './known.js';

/** Digests of the image, the newest first, for which it is asked what stands on them. */
const askedFor = 3;

/** How many images still stand on each of the newest digests, and how many ever did. */
const containing = (plinth: Client, { adopted, history }: ImageView) => {
  const digests = new Set([...(adopted ? [adopted.digest] : []), ...history.map(({ digest }) => digest)]);
  return Promise.all(
    [...digests].slice(0, askedFor).map(async (digest) => {
      const { standing, ever } = await plinth.listContaining({ digest, all: false, pageSize: 1 });
      return { digest, standing, ever };
    }),
  );
};

export default command<object, [string]>({
  describe: (show: Command) =>
    show.addArgument(new Argument('<image>', 'its reference, in any spelling').argParser(nonEmpty)),

  watches: 'tag,run',

  async run(session, _options, reference) {
    const image = await watchedImage(session, reference);
    const contains = await containing(await session.client(), image);
    const standing = contains.map(
      ({ digest, standing: now, ever }) =>
        `${shortDigest(digest)}: ${plural(now, 'image')} of ${ever} that were built on it`,
    );
    await session.printer.show({
      item: { ...image, contains },
      name: image.reference,
      fields: [...imageFields(image), ['Stand on it', standing]],
    });
  },
});
