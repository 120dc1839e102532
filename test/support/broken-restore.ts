import { reachToRestore, restore } from '#libs/backup';

/** A restore into a data folder that ends before the events, as a kill would end it. */
export const breakOff = async (path: string, data: string): Promise<void> => {
  const { jet, keyFile, maxBytes, close } = await reachToRestore({ env: {}, data }, path);
  try {
    const say = (line: string) => {
      if (line.startsWith('PLINTH_EVENTS')) throw new Error('broken off');
    };
    await restore({ jet, path, keyFile, maxBytes, say });
  } catch (error) {
    if ((error as Error).message !== 'broken off') throw error;
  } finally {
    await close();
  }
};
