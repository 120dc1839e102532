import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ContextError, shown } from './errors.js';

const MAX_BYTES = 1024 * 1024;

/**
 * Reads one file of an opened context, such as its Dockerfile. Links are followed within the context and never out of it.
 * @param path relative to the context
 * @throws ContextError NOT_FOUND, UNSAFE_ARCHIVE (it leads outside), INVALID (no file), TOO_LARGE (default: 1 MiB)
 */
export async function readContextFile(dir: string, path: string, maxBytes = MAX_BYTES): Promise<Buffer> {
  const root = await realpath(dir);
  const found = await realpath(join(root, path)).catch((error: unknown) => {
    throw new ContextError('NOT_FOUND', `There is no file ${shown(path)} in the context.`, { cause: error });
  });
  if (!found.startsWith(root + sep)) {
    throw new ContextError('UNSAFE_ARCHIVE', `${shown(path)} leads out of the context and is not read.`);
  }
  const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
  const file = await open(found, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new ContextError('INVALID', `${shown(path)} of the context is no file.`);
    if (facts.size > maxBytes) {
      throw new ContextError('TOO_LARGE', `${shown(path)} of the context is larger than ${maxBytes} bytes.`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}
