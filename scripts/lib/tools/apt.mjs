/**
 * apt in a room of its own: its lists, cache and state lie in one folder of the clone, so that packages of another
 * Debian release can be fetched, and their signatures checked, without root and without the host noticing.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collect, onPath } from '../exec.mjs';

const keyrings = [
  '/usr/share/keyrings/debian-archive-keyring.gpg',
  '/usr/share/keyrings/debian-archive-keyring.pgp',
  '/etc/apt/trusted.gpg.d/debian-archive-keyring.gpg',
];

/** Why packages cannot be fetched on this machine at all, or undefined. */
export function whyNoApt() {
  for (const program of ['apt-get', 'dpkg-deb', 'dpkg']) {
    if (onPath(program) === undefined)
      return `${program} is not on this machine: packages can be unpacked on Debian only`;
  }
  if (process.arch !== 'x64' && process.arch !== 'arm64') return `no packages are known to work on ${process.arch}`;
  return undefined;
}

/** `amd64` or `arm64`. */
export const debianArchitecture = process.arch === 'x64' ? 'amd64' : process.arch;

/**
 * @param {{ suite: string, mirror: string, dir: string }} place `dir` is this room's folder, made when needed
 */
export function openApt({ suite, mirror, dir }) {
  for (const part of ['lists/partial', 'cache/archives/partial', 'state']) {
    mkdirSync(join(dir, part), { recursive: true });
  }
  const keyring = keyrings.find((file) => existsSync(file));
  const options = [`arch=${debianArchitecture}`, ...(keyring === undefined ? [] : [`signed-by=${keyring}`])];
  writeFileSync(join(dir, 'sources.list'), `deb [${options.join(' ')}] ${mirror} ${suite} main\n`);
  writeFileSync(join(dir, 'status'), '');
  const quoted = (path) => JSON.stringify(join(dir, path));
  writeFileSync(
    join(dir, 'apt.conf'),
    [
      `Dir::Etc::sourcelist ${quoted('sources.list')};`,
      'Dir::Etc::sourceparts "/dev/null";',
      'Dir::Etc::preferences "/dev/null";',
      'Dir::Etc::preferencesparts "/dev/null";',
      `Dir::State ${quoted('state')};`,
      `Dir::State::lists ${quoted('lists')};`,
      // Nothing counts as installed: an installed package would hide the one of the other release.
      `Dir::State::status ${quoted('status')};`,
      `Dir::Cache ${quoted('cache')};`,
      // apt drops root to _apt for downloads, who may not read this folder.
      'APT::Sandbox::User "root";',
      'APT::Update::Error-Mode "any";',
      'Acquire::Languages "none";',
      'Acquire::Retries "2";',
      'Acquire::http::Timeout "20";',
      'Acquire::https::Timeout "20";',
      // The host's hooks (package caches, desktop notifications) are about the host's packages.
      '#clear APT::Update::Post-Invoke;',
      '#clear APT::Update::Post-Invoke-Success;',
      '',
    ].join('\n'),
  );
  const apt = (args, cwd = dir) => {
    const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
    const done = collect('apt-get', ['-c', join(dir, 'apt.conf'), '-q', ...args], { cwd, env });
    if (!done.ok) throw new Error(`apt-get ${args[0]} (${mirror} ${suite}): ${problemIn(done.stderr)}`);
    return done.stdout;
  };
  return {
    /** Fetches the package lists. Throws when the mirror cannot be reached or its signature is not Debian's. */
    update: () => void apt(['update']),
    /** Fetches packages into a folder; answers name → path of the .deb. */
    download(names, into) {
      mkdirSync(into, { recursive: true });
      apt(['download', ...names], into);
      const files = readdirSync(into);
      return Object.fromEntries(
        names.map((name) => {
          const file = files.find((f) => f.startsWith(`${name}_`) && f.endsWith('.deb'));
          if (file === undefined) throw new Error(`apt-get download ${name}: no ${name}_*.deb in ${into}`);
          return [name, join(into, file)];
        }),
      );
    },
    /** The names of a package and all it depends on. */
    closure(name) {
      const planned = apt(['install', '--print-uris', '--no-install-recommends', '-y', name]);
      return [...planned.matchAll(/^'\S+' ([a-z0-9][a-z0-9+.-]+)_/gm)].map((match) => match[1]);
    },
  };
}

const problemIn = (stderr) =>
  stderr
    .split('\n')
    .filter((line) => /^[EW]:/.test(line))
    .join(' ')
    .slice(0, 600) || stderr.trim().slice(0, 600);
