/**
 * The programs that Plinth runs beside its own, where they come from, and which versions do.
 *
 * A tool on PATH that is new enough is used; else it is unpacked, without being installed, from a Debian package:
 * installing `docker-registry` or `docker.io` would start services on the machine. Debian 13's packages run on Debian 12
 * as well, runc's excepted (it needs a newer C library): that one is Debian 12's, which runs on both.
 */

/** `[major, minor, patch]` of the first thing that looks like a version. */
const firstVersion = (text) => /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);

export const recipe = [
  {
    name: 'nats-server',
    group: 'log',
    minimum: '2.10.27',
    suite: 'trixie',
    package: 'nats-server',
    commands: { 'nats-server': 'usr/sbin/nats-server' },
    versionArgs: ['--version'],
  },
  {
    name: 'docker-registry',
    group: 'registry',
    minimum: '2.8.0',
    below: '3.0.0',
    suite: 'trixie',
    package: 'docker-registry',
    commands: { 'docker-registry': 'usr/bin/docker-registry' },
    versionArgs: ['--version'],
  },
  {
    // Test images are made of it, so it must be the statically linked one: never taken from PATH.
    name: 'busybox',
    group: 'registry',
    minimum: '1.30.0',
    suite: 'trixie',
    package: 'busybox-static',
    commands: { busybox: 'usr/bin/busybox' },
    versionArgs: [],
    packaged: 'always',
  },
  {
    name: 'dockerd',
    group: 'docker',
    minimum: '26.0.0',
    suite: 'trixie',
    package: 'docker.io',
    commands: { dockerd: 'usr/sbin/dockerd' },
    versionArgs: ['--version'],
  },
  {
    name: 'docker',
    group: 'docker',
    minimum: '26.0.0',
    suite: 'trixie',
    package: 'docker-cli',
    commands: { docker: 'usr/bin/docker' },
    versionArgs: ['--version'],
  },
  {
    name: 'docker-buildx',
    group: 'docker',
    minimum: '0.13.0',
    suite: 'trixie',
    package: 'docker-buildx',
    commands: { 'docker-buildx': 'usr/libexec/docker/cli-plugins/docker-buildx' },
    versionArgs: ['version'],
    /** A plug-in of the docker CLI, which is rarely on PATH itself. Asked when needed: whose home it is changes no recipe. */
    folders: () => [
      `${process.env.DOCKER_CONFIG ?? `${process.env.HOME ?? '/root'}/.docker`}/cli-plugins`,
      '/usr/local/lib/docker/cli-plugins',
      '/usr/local/libexec/docker/cli-plugins',
      '/usr/lib/docker/cli-plugins',
      '/usr/libexec/docker/cli-plugins',
    ],
  },
  {
    name: 'containerd',
    group: 'docker',
    minimum: '1.7.0',
    suite: 'trixie',
    package: 'containerd',
    commands: {
      containerd: 'usr/bin/containerd',
      'containerd-shim-runc-v2': 'usr/bin/containerd-shim-runc-v2',
      ctr: 'usr/bin/ctr',
    },
    versionArgs: ['--version'],
  },
  {
    name: 'runc',
    group: 'docker',
    minimum: '1.1.0',
    suite: 'bookworm',
    package: 'runc',
    commands: { runc: 'usr/sbin/runc' },
    versionArgs: ['--version'],
  },
  {
    // For the tests of deploy/ alone, like the next one. It knows `!override` since 2.24.
    name: 'docker-compose',
    group: 'deploy',
    minimum: '2.24.0',
    suite: 'trixie',
    package: 'docker-compose',
    commands: { 'docker-compose': 'usr/libexec/docker/cli-plugins/docker-compose' },
    versionArgs: ['version'],
  },
  {
    name: 'caddy',
    group: 'deploy',
    minimum: '2.6.0',
    suite: 'trixie',
    package: 'caddy',
    commands: { caddy: 'usr/bin/caddy' },
    versionArgs: ['version'],
  },
  {
    // The terminal in which the tests see the command line as a person does.
    name: 'tmux',
    group: 'terminal',
    minimum: '3.0.0',
    suite: 'bookworm',
    package: 'tmux',
    commands: { tmux: 'usr/bin/tmux' },
    versionArgs: ['-V'],
  },
  {
    // The shells whose completion scripts are tested, beside bash.
    name: 'zsh',
    group: 'terminal',
    minimum: '5.8.0',
    suite: 'bookworm',
    package: 'zsh',
    with: ['zsh-common'],
    commands: { zsh: 'bin/zsh' },
    versionArgs: ['--version'],
  },
  {
    name: 'fish',
    group: 'terminal',
    minimum: '3.4.0',
    suite: 'bookworm',
    package: 'fish',
    with: ['fish-common'],
    commands: { fish: 'usr/bin/fish' },
    versionArgs: ['--version'],
  },
  {
    // For tasks whose context is a repository. Everything it needs comes with it: slim images lack its libraries.
    name: 'git',
    group: 'git',
    minimum: '2.20.0',
    suite: 'bookworm',
    package: 'git',
    closure: true,
    commands: { git: 'usr/bin/git' },
    versionArgs: ['--version'],
  },
  {
    // No Debian release has it: built from source, where Go (1.25.5 or newer) is at hand.
    name: 'buildkitd',
    group: 'buildkit',
    minimum: '0.13.0',
    module: 'github.com/moby/buildkit',
    moduleVersion: 'v0.29.0',
    versionVariable: 'github.com/moby/buildkit/version.Version',
    commands: { buildkitd: 'cmd/buildkitd', buildctl: 'cmd/buildctl' },
    versionArgs: ['--version'],
  },
];

/**
 * Shared libraries that a minimal system may lack, by the name a program asks for. From Debian 12: built against the
 * older C library, they run on both.
 */
export const libraries = {
  'libsystemd.so.0': 'libsystemd0',
  'libcap.so.2': 'libcap2',
  'libgcrypt.so.20': 'libgcrypt20',
  'libgpg-error.so.0': 'libgpg-error0',
  'liblzma.so.5': 'liblzma5',
  'libzstd.so.1': 'libzstd1',
  'liblz4.so.1': 'liblz4-1',
  'libseccomp.so.2': 'libseccomp2',
  'libevent_core-2.1.so.7': 'libevent-core-2.1-7',
  'libutempter.so.0': 'libutempter0',
  'libpcre2-32.so.0': 'libpcre2-32-0',
  'libtinfo.so.6': 'libtinfo6',
};
export const librarySuite = 'bookworm';

/** The dotted version in a program's own words, or undefined. */
export function versionIn(text) {
  const found = firstVersion(text);
  return found === null ? undefined : `${found[1]}.${found[2]}.${found[3] ?? 0}`;
}

/** Whether `version` lies in what the recipe's tool allows. */
export function isEnough(tool, version) {
  if (version === undefined || compare(version, tool.minimum) < 0) return false;
  return tool.below === undefined || compare(version, tool.below) < 0;
}

function compare(a, b) {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < 3; i++) {
    if ((left[i] ?? 0) !== (right[i] ?? 0)) return (left[i] ?? 0) - (right[i] ?? 0);
  }
  return 0;
}
