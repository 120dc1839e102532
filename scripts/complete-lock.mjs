/**
 * node scripts/complete-lock.mjs: after `npm install` from a registry mirror that is not complete.
 *
 * Where a mirror lacks a package for another platform, npm leaves it out of package-lock.json, and `npm ci` then refuses
 * the lock file everywhere ("Missing: … from lock file"). This adds each such optional package with its exact version
 * and platform. There is no integrity for them, as the file was not seen; on the platforms that Plinth runs on they are
 * never fetched.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/root.mjs';

const file = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = [];

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${path}/node_modules/${name}`;
    const platform = platformIn(name);
    if (lock.packages[nested] !== undefined || lock.packages[`node_modules/${name}`] !== undefined) continue;
    // A range cannot be pinned without the registry's answer, and without a platform it would be fetched here.
    if (platform === undefined || !/^\d+\.\d+\.\d+/.test(version)) {
      console.error(`${name}@${version}, of ${path}, is missing from the lock file and cannot be completed.`);
      process.exitCode = 1;
      continue;
    }
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platform,
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
    };
    added.push(`${name}@${version}`);
  }
}

if (added.length > 0) {
  const { '': own, ...others } = lock.packages;
  const sorted = Object.entries(others).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = { '': own, ...Object.fromEntries(sorted) };
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
console.log(added.length === 0 ? 'package-lock.json is complete.' : `Added ${added.join(', ')}.`);

/** `os`, `cpu` and `libc` as npm writes them, read from a name such as `@oxlint/binding-linux-x64-musl`. */
function platformIn(name) {
  const os = /(android|darwin|freebsd|linux|openharmony|win32)/.exec(name)?.[1];
  const cpu = /(arm64|armv7|arm|x64|ia32|ppc64|riscv64|s390x)/.exec(name)?.[1];
  if (os === undefined || cpu === undefined) return undefined;
  const libc = /musl/.test(name) ? 'musl' : /gnu/.test(name) ? 'glibc' : undefined;
  const cpuName = cpu === 'armv7' ? 'arm' : cpu;
  return { cpu: [cpuName], ...(libc !== undefined && os === 'linux' ? { libc: [libc] } : {}), os: [os] };
}
