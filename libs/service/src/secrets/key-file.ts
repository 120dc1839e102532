import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Keys that seal secrets. The first one seals; all of them open. */
export interface KeyRing {
  readonly current: { readonly id: string; readonly key: Buffer };
  readonly keys: ReadonlyMap<string, Buffer>;
}

/** The key file cannot be used; the text says why and how to mend it. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
  readonly code = 'KEY_FILE_UNUSABLE';
}

const keyBytes = 32;
const line = (): string => `k${randomBytes(4).toString('hex')} ${randomBytes(keyBytes).toString('base64')}`;
const head =
  '# Keys that seal the secrets of Plinth: keep it, and keep it secret. The first key seals, all of them open.\n';

/**
 * Makes a key file with one new key, mode 0600.
 *
 * @throws KeyFileError when there is a file already: it would be the only way to the secrets sealed with it
 */
export const createKeyFile = async (path: string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  let file;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new KeyFileError(
      `${path} is there already; its keys open what was sealed with them. Add a key to it instead.`,
    );
  }
  try {
    await file.writeFile(`${head}${line()}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
};

/**
 * The keys of a file: a line each, an id and 32 bytes in base64; `#` begins a comment. To rotate, put a new line
 * first, reseal, and take the old line out. A group may read the file (that is how Kubernetes mounts
 * secrets), others may not.
 *
 * @throws KeyFileError
 */
export const readKeyFile = async (path: string): Promise<KeyRing> => {
  let mode: number;
  let text: string;
  try {
    ({ mode } = await stat(path));
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new KeyFileError(
      `The key file ${path} cannot be read: ${(error as Error).message}. PLINTH_KEY_FILE names it.`,
    );
  }
  if (process.platform !== 'win32' && (mode & 0o027) !== 0) {
    throw new KeyFileError(
      `Others can read or change the key file ${path} (mode ${(mode & 0o777).toString(8)}). Run: chmod 600 ${path}`,
    );
  }
  const keys = new Map<string, Buffer>();
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    const [id = '', encoded = '', ...rest] = content.split(/\s+/);
    const key = Buffer.from(encoded, 'base64');
    if (!/^[\w-]{1,32}$/.test(id) || key.length !== keyBytes || rest.length > 0 || keys.has(id)) {
      throw new KeyFileError(
        `Line ${index + 1} of ${path} is no key: expected an id and 32 bytes in base64, each id once.`,
      );
    }
    keys.set(id, key);
  }
  const [first] = keys;
  if (!first) throw new KeyFileError(`There is no key in ${path}.`);
  return { current: { id: first[0], key: first[1] }, keys };
};
