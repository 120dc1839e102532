/** From packages to programs: unpacks .deb files and makes one entry per command in the `bin` folder. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { collect } from '../exec.mjs';

/** Unpacks packages into one folder, which exists afterwards whole or not at all. */
export function unpack(debs, folder) {
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  for (const deb of debs) {
    const done = collect('dpkg-deb', ['-x', deb, making]);
    if (!done.ok) throw new Error(`Unpacking ${basename(deb)}: ${done.stderr.trim()}`);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(making, folder);
}

/** `2.10.27-1+b2` of `nats-server_2.10.27-1+b2_amd64.deb`, without the epoch. */
export function packageVersion(deb) {
  const [, version = ''] = decodeURIComponent(basename(deb)).split('_');
  return version.replace(/^\d+:/, '');
}

/** Shared libraries that a program asks for and this system does not have. */
export function missingLibraries(program) {
  const { stdout } = collect('ldd', [program]);
  return [...stdout.matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1]);
}

/** Puts a command into `bin`, replacing what was there in one step. */
export function link(bin, command, target) {
  place(bin, command, (path) => symlinkSync(target.startsWith(dirname(bin)) ? relative(bin, target) : target, path));
}

/**
 * A command that needs variables: a shell script which sets them, with paths relative to itself so that the clone can
 * be moved.
 * @param {Record<string, string>} env `$tools` stands for the tools folder
 */
export function wrap(bin, command, target, env) {
  const settings = Object.entries(env).map(([name, value]) => `export ${name}="${value}"\n`);
  const script =
    '#!/bin/sh\ntools=$(dirname "$(dirname "$(readlink -f "$0")")")\n' +
    `${settings.join('')}exec "$tools/${relative(dirname(bin), target)}" "$@"\n`;
  place(bin, command, (path) => {
    writeFileSync(path, script);
    chmodSync(path, 0o755);
  });
}

function place(bin, command, make) {
  mkdirSync(bin, { recursive: true });
  const temporary = join(bin, `.${command}.making`);
  rmSync(temporary, { force: true });
  make(temporary);
  renameSync(temporary, join(bin, command));
}

/** Folders below `root` that hold shared libraries, with `$tools` in place of the tools folder. */
export function libraryFolders(root, toolsDir) {
  const triplet = process.arch === 'x64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu';
  return [`usr/lib/${triplet}`, `lib/${triplet}`]
    .filter((folder) => existsSync(join(root, folder)))
    .map((folder) => `$tools/${relative(toolsDir, join(root, folder))}`);
}

/** One file of all certificates, for a system that has none; undefined when it has. */
export function certificateBundle(root) {
  if (existsSync('/etc/ssl/certs/ca-certificates.crt')) return undefined;
  const folder = join(root, 'usr/share/ca-certificates/mozilla');
  if (!existsSync(folder)) return undefined;
  const bundle = join(root, 'certificates.pem');
  writeFileSync(
    bundle,
    readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n'),
  );
  return bundle;
}
