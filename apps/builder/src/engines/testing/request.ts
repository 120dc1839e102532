import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BuildRequest } from '../engine.js';

/** A request to build these files, whose folder and output lie below `dir`; nothing is pinned and no network is there. */
export async function requestOf(
  dir: string,
  files: Record<string, string>,
  more: Partial<BuildRequest> = {},
): Promise<BuildRequest> {
  const contextDir = join(dir, 'context');
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(contextDir, path)), { recursive: true });
    await writeFile(join(contextDir, path), text);
  }
  return {
    contextDir,
    dockerfile: 'Dockerfile',
    platforms: [],
    noCache: false,
    buildArgs: {},
    secretArgs: {},
    pins: [],
    network: 'none',
    timeoutMs: 60_000,
    sourceDateEpoch: 0,
    outputDir: join(dir, 'output'),
    registries: [],
    onLog: () => undefined,
    signal: new AbortController().signal,
    ...more,
  };
}
