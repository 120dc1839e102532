/** Makes `node_modules` what `package-lock.json` says. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './exec.mjs';
import { withLock } from './lock.mjs';
import { root, stateDir } from './root.mjs';

const lockFile = join(root, 'package-lock.json');
const modules = join(root, 'node_modules');
const recordFile = join(modules, '.plinth-lock');
/** npm's own record of what it installed. */
const installedFile = join(modules, '.package-lock.json');

/** Installs by `npm ci` when needed, and says why in one line. Throws when npm fails. */
export async function ensureModules() {
  if (whyInstall() === undefined) return;
  await withLock(join(stateDir, 'install.lock'), async () => {
    const why = whyInstall();
    if (why === undefined) return;
    process.stderr.write(`Installing packages by npm ci: ${why}.\n`);
    // Started by npm itself, its own path is known; without install scripts no compiler is ever needed.
    const npm = process.env.npm_execpath;
    // Warnings are about the Node that runs npm; Plinth itself runs on the one that is installed here.
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const code =
      npm !== undefined && /npm-cli\.c?js$/.test(npm) && existsSync(npm)
        ? await run(process.execPath, [npm, ...args], { cwd: root })
        : await run('npm', args, { cwd: root });
    if (code !== 0) throw new Error(`npm ci failed with exit code ${code}: see its output above.`);
    record();
  });
}

function whyInstall() {
  if (!existsSync(modules)) return 'node_modules is missing';
  if (existsSync(recordFile) && readFileSync(recordFile, 'utf8').trim() === lockHash()) return undefined;
  const differing = differs();
  if (differing !== undefined) return differing;
  record();
  return undefined;
}

/** Compares the lock file with npm's record, so that an `npm install` by hand does not cause a second one. */
function differs() {
  if (!existsSync(installedFile)) return 'node_modules is incomplete';
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const have = installed[path];
    if (have === undefined ? entry.optional !== true && entry.devOptional !== true : have.version !== entry.version) {
      return `package-lock.json has ${path.replace(/^.*node_modules\//, '')} ${entry.version}, node_modules has ${have?.version ?? 'none'}`;
    }
  }
  return undefined;
}

const lockHash = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex');
const record = () => writeFileSync(recordFile, `${lockHash()}\n`);
