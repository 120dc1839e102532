import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from './tool-path.js';

/** Where programs lie that tests build from source. */
export const goPrograms = join(repositoryRoot, '.plinth/tools/go-bin');

/** Whether Go is at hand, to build what there is no package of. */
export const hasGo = (): boolean => {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};
