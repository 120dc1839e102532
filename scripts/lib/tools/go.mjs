/** Programs that are built from a published Go module, where Go is at hand: for tests of what no Debian release has. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { collect, onPath } from '../exec.mjs';

/** Why nothing can be built here; undefined when it can. */
export const whyNoGo = () => (onPath('go') === undefined ? 'Go is not on PATH, which builds it' : undefined);

/**
 * Builds the programs of a module into `folder`, with the settings of this machine's Go (GOPROXY, GOFLAGS, …). A module of
 * its own asks for it, since `go install` refuses modules that replace or exclude others.
 * @param {{ module: string, moduleVersion: string, commands: Record<string, string>, versionVariable?: string }} tool
 *   `commands` has each program's package within the module
 */
export function buildModule({ module, moduleVersion, commands, versionVariable }, folder) {
  const work = `${folder}.building`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(work, 'go.mod'), `module tools\n\ngo 1.21\n\nrequire ${module} ${moduleVersion}\n`);
  const version = versionVariable === undefined ? [] : [`-X ${versionVariable}=${moduleVersion}`];
  const flags = ['-mod=mod', '-trimpath', '-ldflags', ['-s', '-w', ...version].join(' ')];
  try {
    for (const [command, path] of Object.entries(commands)) {
      const out = join(folder, basename(path));
      const built = collect('go', ['build', ...flags, '-o', out, `${module}/${path}`], {
        cwd: work,
        timeout: 1_800_000,
      });
      if (!built.ok) throw new Error(`go build ${module}/${path} (${command}) failed: ${lastLine(built.stderr)}`);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const lastLine = (text) => text.trim().split('\n').at(-1);
