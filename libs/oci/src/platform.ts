/** What an image runs on. `variant` and `osVersion` are absent when they do not matter. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  /** Windows only, `10.0.20348.2113`: a Windows container needs a base of its host's build. */
  readonly osVersion?: string;
}

/** The text is not a platform; the message names it and what was expected. */
export class InvalidPlatformError extends Error {
  override readonly name = 'InvalidPlatformError';
  readonly code = 'INVALID_PLATFORM';
  constructor(
    readonly text: string,
    reason: string,
  ) {
    super(`${JSON.stringify(text)} is not a platform: ${reason}. Expected os/architecture[/variant], as linux/arm64.`);
  }
}

const PART = /^[A-Za-z0-9_.-]+$/;
const OS_PART = /^([A-Za-z0-9_.-]+)(?:\(([A-Za-z0-9_.-]+)\))?$/;
const KNOWN_OS = new Set(['linux', 'windows', 'darwin', 'macos', 'freebsd', 'netbsd', 'openbsd', 'solaris', 'wasi']);
const KNOWN_ARCHITECTURES = new Set(
  ['386', 'amd64', 'arm', 'arm64', 'loong64', 'mips', 'mipsle', 'mips64', 'mips64le', 'ppc64', 'ppc64le'].concat([
    'riscv64',
    's390x',
    'wasm',
    'aarch64',
    'x86_64',
    'x86-64',
    'i386',
    'armhf',
    'armel',
  ]),
);

/**
 * Reads `linux/arm64/v8`, `windows(10.0.20348.2113)/amd64` (containerd's form for os.version) and, as docker does, a
 * bare known architecture, which means Linux. A bare known system means `ownArchitecture`, where one is given. The result
 * is normalized.
 * @throws InvalidPlatformError
 */
export function parsePlatform(text: string, ownArchitecture?: string): Platform {
  const [first = '', second, third, ...rest] = text.split('/');
  if (rest.length > 0) throw new InvalidPlatformError(text, 'it has more than three parts');
  if (second === undefined) {
    if (KNOWN_ARCHITECTURES.has(first.toLowerCase())) return normalizePlatform({ os: 'linux', architecture: first });
    if (!KNOWN_OS.has(first.toLowerCase())) throw new InvalidPlatformError(text, 'it is not a known architecture');
    if (ownArchitecture === undefined) throw new InvalidPlatformError(text, 'the architecture is missing');
    return normalizePlatform({ os: first, architecture: ownArchitecture });
  }
  const os = OS_PART.exec(first);
  if (!os?.[1]) throw new InvalidPlatformError(text, `${JSON.stringify(first)} is not an operating system`);
  for (const part of third === undefined ? [second] : [second, third]) {
    if (!PART.test(part))
      throw new InvalidPlatformError(text, `${JSON.stringify(part)} is empty or has odd characters`);
  }
  return normalizePlatform({ os: os[1], architecture: second, variant: third, osVersion: os[2] });
}

/** `linux/arm/v7`, `windows(10.0.20348.2113)/amd64`, as given: normalize first when it is to be compared. */
export function formatPlatform({ os, architecture, variant, osVersion }: Platform): string {
  return `${os}${osVersion ? `(${osVersion})` : ''}/${architecture}${variant ? `/${variant}` : ''}`;
}

/**
 * One spelling for what means the same, by containerd's rules (containerd/platforms, database.go): x86_64 is amd64,
 * aarch64 and arm64/v8 are arm64, arm alone is arm/v7, armhf arm/v7, armel arm/v6, i386 386, amd64/v1 amd64.
 * os.version is kept for Windows alone: elsewhere it does not decide what runs.
 */
export function normalizePlatform(platform: Platform): Platform {
  const lowerOs = platform.os.toLowerCase();
  const os = lowerOs === 'macos' ? 'darwin' : lowerOs;
  const [architecture, variant] = normalizeArchitecture(
    platform.architecture.toLowerCase(),
    platform.variant?.toLowerCase() ?? '',
  );
  const osVersion = os === 'windows' ? platform.osVersion : undefined;
  return { os, architecture, ...(variant && { variant }), ...(osVersion && { osVersion }) };
}

/** The text by which platforms are compared and stored: {@link formatPlatform} of the normalized platform. */
export function platformKey(platform: Platform): string {
  return formatPlatform(normalizePlatform(platform));
}

/**
 * Which of the offered platform keys an engine would use for the wanted platform: the same one; else, as containerd's
 * matcher does, the nearest older variant of the same architecture (arm/v7 runs arm/v6), and on Windows the newest
 * revision of the same build, or of any build when none is asked for. Never another architecture: that amd64 may fall
 * back to 386 has silently given people wrong images while an index was being published.
 */
export function matchPlatform(wanted: Platform, offered: Iterable<string>): string | undefined {
  const want = normalizePlatform(wanted);
  const candidates = [...offered].map((key) => ({ key, platform: parsePlatform(key) }));
  const same = candidates.find(({ platform }) => formatPlatform(platform) === formatPlatform(want));
  if (same) return same.key;
  const fitting = candidates.filter(
    ({ platform }) =>
      platform.os === want.os &&
      platform.architecture === want.architecture &&
      rank(platform) <= rank(want) &&
      sameWindowsBuild(want.osVersion, platform.osVersion),
  );
  fitting.sort(
    (a, b) =>
      rank(b.platform) - rank(a.platform) || compareVersions(b.platform.osVersion ?? '', a.platform.osVersion ?? ''),
  );
  return fitting[0]?.key;
}

function normalizeArchitecture(architecture: string, variant: string): [string, string] {
  switch (architecture) {
    case 'i386':
      return ['386', ''];
    case 'amd64':
    case 'x86_64':
    case 'x86-64':
      return ['amd64', variant === 'v1' ? '' : variant];
    case 'arm64':
    case 'aarch64':
      if (['8', 'v8', 'v8.0'].includes(variant)) return ['arm64', ''];
      return ['arm64', ['9', '9.0', 'v9.0'].includes(variant) ? 'v9' : variant];
    case 'armhf':
      return ['arm', 'v7'];
    case 'armel':
      return ['arm', 'v6'];
    case 'arm':
      if (variant === '') return ['arm', 'v7'];
      return ['arm', /^[5-8]$/.test(variant) ? `v${variant}` : variant];
    default:
      return [architecture, variant];
  }
}

/** Newer variants run older ones; a variant that is not `v<number>` matches only itself. */
function rank({ variant }: Platform): number {
  if (!variant) return 0;
  const number = /^v(\d+(?:\.\d+)?)$/.exec(variant)?.[1];
  return number === undefined ? Number.NaN : Number(number);
}

function sameWindowsBuild(want: string | undefined, have: string | undefined): boolean {
  if (!want) return true;
  const build = (version: string) => version.split('.').slice(0, 3).join('.');
  return have !== undefined && build(want) === build(have);
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left?.length ?? 0, right?.length ?? 0); i++) {
    const difference = (left?.[i] || 0) - (right?.[i] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
