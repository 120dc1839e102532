/** Where things are in a clone. Everything that the scripts make lies in `.plinth/`, `dist/` and `node_modules/`. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone's own folder, whatever the current directory is. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const stateDir = join(root, '.plinth');
export const toolsDir = join(stateDir, 'tools');
export const distDir = join(root, 'dist');
