/** The Node that everything runs on: the one in the lock file, whatever the machine has. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';

const wanted = 24;

/** Path of a Node 24 or newer. Throws with what to do when there is none. */
export function findNode() {
  const packaged = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  if (process.platform === 'linux' && existsSync(packaged)) return packaged;
  if (Number(process.versions.node.split('.')[0]) >= wanted) return process.execPath;
  throw new Error(
    `Plinth runs on Node ${wanted}, and neither the package node-linux-${process.arch} is in node_modules ` +
      `nor is this Node (${process.version} on ${process.platform}/${process.arch}) new enough. ` +
      `Install Node ${wanted} and start again with it, or run "npm ci --include=optional" on Linux x64 or arm64.`,
  );
}
