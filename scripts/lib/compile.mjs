/** Compiles TypeScript into `dist/` when a source changed, and copies the files beside it that code reads. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './exec.mjs';
import { withLock } from './lock.mjs';
import { distDir, root, stateDir } from './root.mjs';

const sourceRoots = ['apps', 'libs', 'test'];
/** Read in place, large, and needed by no compiled program. */
const notCopied = ['test/data'];
const recordFile = join(distDir, '.plinth-build.json');

/**
 * Compiles if anything changed since the last time. Throws on type errors, which tsc has printed;
 * `PLINTH_IGNORE_TYPE_ERRORS=1` runs what was emitted nevertheless (while several people edit one tree).
 * @param {string} node the Node to run tsc on
 * @param {{ quiet?: boolean }} [options] `quiet` says nothing unless there are errors, and those on stderr
 */
export async function compile(node, { quiet = false } = {}) {
  if (isCurrent()) return;
  await withLock(join(stateDir, 'compile.lock'), async () => {
    const before = sources();
    if (readRecord()?.hash === before.hash) return;
    if (!quiet) process.stderr.write('Compiling.\n');
    removeOutputsOf((readRecord()?.files ?? []).filter((file) => !before.files.includes(file)));
    const code = await run(node, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'], {
      cwd: root,
      ...(quiet ? { stdio: ['ignore', 2, 2] } : {}),
    });
    if (code !== 0 && process.env.PLINTH_IGNORE_TYPE_ERRORS !== '1') {
      throw new Error('TypeScript found errors: see above.');
    }
    copyAssets(before.files);
    // Renamed into place: another command may read it at this moment.
    if (code === 0) {
      writeFileSync(`${recordFile}.new`, JSON.stringify(before));
      renameSync(`${recordFile}.new`, recordFile);
    }
  });
}

const isCurrent = () => readRecord()?.hash === sources().hash;

function readRecord() {
  return existsSync(recordFile) ? JSON.parse(readFileSync(recordFile, 'utf8')) : undefined;
}

/** Every source file, and one hash over names, sizes and times: reading all contents would cost more than it saves. */
function sources() {
  const hash = createHash('sha256');
  const files = [];
  const visit = (path) => {
    if (notCopied.includes(path)) return;
    const stat = statSync(join(root, path));
    if (stat.isDirectory()) {
      for (const name of readdirSync(join(root, path)).sort()) {
        if (name !== 'node_modules' && !name.startsWith('.')) visit(`${path}/${name}`);
      }
      return;
    }
    files.push(path);
    hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`);
  };
  for (const path of [...sourceRoots, 'tsconfig.json', 'package-lock.json']) {
    if (existsSync(join(root, path))) visit(path);
  }
  return { hash: hash.digest('hex'), files };
}

const isTypeScript = (file) => /\.[cm]?ts$/.test(file);

function copyAssets(files) {
  for (const file of files) {
    if (isTypeScript(file) || !sourceRoots.some((folder) => file.startsWith(`${folder}/`))) continue;
    mkdirSync(dirname(join(distDir, file)), { recursive: true });
    copyFileSync(join(root, file), join(distDir, file));
  }
}

/** A module that was renamed must not live on in `dist/`, where an import of its old name would still find it. */
function removeOutputsOf(files) {
  for (const file of files) {
    const outputs = isTypeScript(file) ? ['.js', '.js.map'].map((end) => file.replace(/\.ts$/, end)) : [file];
    for (const output of outputs) rmSync(join(distDir, output), { force: true });
  }
}
