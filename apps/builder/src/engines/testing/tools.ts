import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Puts the tools that `npm run tools` unpacked first on PATH, as `npm test` does, so that one spec can run alone. */
export function useUnpackedTools(): void {
  const bin = join(process.cwd(), '.plinth', 'tools', 'bin');
  const path = (process.env['PATH'] ?? '').split(delimiter);
  if (existsSync(bin) && !path.includes(bin)) process.env['PATH'] = [bin, ...path].join(delimiter);
}
