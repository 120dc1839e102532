import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const left = new Set<string>();
process.on('exit', () => {
  for (const path of left) rmSync(path, { recursive: true, force: true });
});

export interface TempDir extends AsyncDisposable {
  readonly path: string;
  remove(): Promise<void>;
}

/** A new directory; removed by `remove()`, by `await using`, or when the process ends. */
export const tempDir = async (name = 'test'): Promise<TempDir> => {
  const path = await mkdtemp(join(tmpdir(), `plinth-${name}-`));
  left.add(path);
  const remove = async (): Promise<void> => {
    await rm(path, { recursive: true, force: true, maxRetries: 5 });
    left.delete(path);
  };
  return { path, remove, [Symbol.asyncDispose]: remove };
};
