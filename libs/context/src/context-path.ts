import { formatReference, InvalidReferenceError, parseReference } from '#libs/oci';
import { ContextError, shown } from './errors.js';

/** Where a build context comes from: an upload, a git repository, an archive on a web server, or an artifact in a registry. */
export type ContextPath =
  | { readonly kind: 'archive'; /** `sha256:…` */ readonly digest: string }
  | {
      readonly kind: 'git';
      /** Without fragment. */
      readonly url: string;
      /** Branch, tag or commit; null is the repository's default branch. */
      readonly ref: string | null;
      /** Directory of the repository that is the context; null is its root. */
      readonly folder: string | null;
    }
  | { readonly kind: 'tarball'; readonly url: string }
  | { readonly kind: 'artifact'; /** Canonical, with its registry. */ readonly reference: string };

const EXPECTED =
  'expected https://host/owner/repository.git#branch:folder, the https address of a .tar.gz, ' +
  'oci://host/repository:tag, or context://sha256:… as an upload answers it';

const ARCHIVE_NAME = /\.(tar|tar\.gz|tgz|tar\.zst|tzst)$/i;
/** Hosts whose repositories are known by their path alone, and whose two-part paths are never archives. */
const FORGES = new Set(['github.com', 'gitlab.com', 'bitbucket.org', 'codeberg.org']);

/**
 * Reads `contextPath` of a task. The grammar of git addresses is that of ACR and Docker:
 * `https://host/u/r.git#<branch|tag|sha>:<folder>`; as there, `github.com/u/r` needs no scheme and repositories of
 * Azure DevOps need no `.git`.
 *
 * @throws ContextError INVALID that says what was expected; it repeats no credential
 */
export function parseContextPath(text: string): ContextPath {
  // oxlint-disable-next-line no-control-regex -- that is what must not pass
  if (text === '' || text !== text.trim() || /[\u0000-\u001f\u007f]/.test(text)) {
    refuse(`A context path is empty, or has spaces around it or control characters in it; ${EXPECTED}`);
  }
  if (text.startsWith('context://')) return uploaded(text);
  if (/^oci:/i.test(text)) return artifact(text);
  refuseKnown(text);
  const hash = text.indexOf('#');
  const address = hash === -1 ? text : text.slice(0, hash);
  const fragment = hash === -1 ? null : text.slice(hash + 1);
  const url = addressOf(/^github\.com\//i.test(address) ? `https://${address}` : address);
  return isGit(url, fragment !== null) ? repository(url, fragment ?? '') : tarball(url);
}

/** The inverse of {@link parseContextPath}. */
export function formatContextPath(path: ContextPath): string {
  if (path.kind === 'archive') return `context://${path.digest}`;
  if (path.kind === 'tarball') return path.url;
  if (path.kind === 'artifact') return `oci://${path.reference}`;
  if (path.ref === null && path.folder === null) return path.url;
  const folder = path.folder === null ? '' : `:${path.folder.replaceAll('%', '%25')}`;
  return `${path.url}#${(path.ref ?? '').replaceAll('%', '%25')}${folder}`;
}

function uploaded(text: string): ContextPath {
  const digest = text.slice('context://'.length);
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    refuse(`${shown(text)} names no uploaded context; expected context://sha256: and 64 lower-case hexadecimal digits`);
  }
  return { kind: 'archive', digest };
}

function artifact(text: string): ContextPath {
  const name = /^oci:\/\/(.+)$/i.exec(text)?.[1] ?? '';
  const example = 'expected oci://host/repository:tag or oci://host/repository@sha256:…';
  if (name.includes('//') || /[?#]/.test(name)) refuse(`${shown(text)} names no artifact; ${example}`);
  try {
    const reference = parseReference(name);
    // Where it comes from is written down: no registry is meant by leaving it out.
    if (!name.startsWith(`${reference.registry}/`)) refuse(`${shown(text)} names no registry; ${example}`);
    return { kind: 'artifact', reference: formatReference(reference) };
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
    return refuse(`${shown(text)} names no artifact: ${error.message.replace(/\.$/, '')}; ${example}`);
  }
}

/** What people write and we do not take, each with what to do instead. */
function refuseKnown(text: string): void {
  if (/^file:/i.test(text)) refuse('file: addresses are not read; upload the directory as a context instead');
  if (/^(ssh|git\+ssh):/i.test(text) || /^[\w.-]+@[\w.-]+:/.test(text)) {
    refuse(
      'Git over SSH is not spoken; use the https address of the repository, and contextAccessToken if it is private',
    );
  }
  if (/^git:/i.test(text))
    refuse('git:// is neither encrypted nor authenticated; use the https address of the repository');
  if (text === '/dev/null') refuse(`/dev/null is no context: a Dockerfile needs one; ${EXPECTED}`);
  if (/^[./~]/.test(text)) {
    refuse(
      `${shown(text)} is a path on some machine, which no service can see; upload the directory as a context instead`,
    );
  }
}

function addressOf(address: string): URL {
  if (!/^https?:\/\//i.test(address)) refuse(`${shown(withoutUserinfo(address))} is no context path; ${EXPECTED}`);
  if (!URL.canParse(address)) refuse(`${shown(withoutUserinfo(address))} is no address; ${EXPECTED}`);
  const url = new URL(address);
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?#]*@/i.test(address)) {
    refuse(
      `The address of ${url.host} has a user name or token in it, which would be shown to everybody; ` +
        'use contextAccessToken for it',
    );
  }
  return url;
}

function isGit(url: URL, hasFragment: boolean): boolean {
  if (/\.git\/?$/i.test(url.pathname)) return true;
  const azure = url.hostname === 'dev.azure.com' || url.hostname.endsWith('.visualstudio.com');
  if (azure && /\/_git\/[^/]+\/?$/.test(url.pathname)) return true;
  if (ARCHIVE_NAME.test(url.pathname)) return false;
  if (FORGES.has(url.hostname) && /^\/[^/]+\/[^/]+\/?$/.test(url.pathname)) return true;
  if (!hasFragment) return false;
  return refuse(
    `${shown(url.href)} has a branch or folder after #, but does not look like a git repository; ` +
      'its path has to end with .git',
  );
}

function repository(url: URL, fragment: string): ContextPath {
  if (url.search !== '') {
    refuse(`The address of a git repository takes no query (${shown(url.search)}); write #branch:folder after it`);
  }
  const colon = fragment.indexOf(':');
  const ref = decoded(colon === -1 ? fragment : fragment.slice(0, colon));
  const folder = colon === -1 ? '' : decoded(fragment.slice(colon + 1));
  return {
    kind: 'git',
    url: url.href.replace(/\/$/, ''),
    ref: ref === '' ? null : checkedRef(ref),
    folder: checkedFolder(folder),
  };
}

function tarball(url: URL): ContextPath {
  if (/\.(zip|7z|rar|tar\.bz2|tar\.xz)$/i.test(url.pathname)) {
    refuse(`${shown(url.pathname)} is of a kind that is not unpacked; pack it as .tar.gz, .tar.zst or .tar`);
  }
  if (url.pathname === '/' && url.search === '') {
    refuse(`${shown(url.href)} is the address of a whole host; ${EXPECTED}`);
  }
  return { kind: 'tarball', url: url.href };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new ContextError('INVALID', `${shown(text)} has a % that is not followed by two hexadecimal digits.`, {
      cause: error,
    });
  }
}

/** The rules of git-check-ref-format(1), and no leading dash, which a program could take for an option. */
function checkedRef(ref: string): string {
  // oxlint-disable-next-line no-control-regex -- that is the rule
  const forbidden = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[-/.]|[/.]$|\/\.|\.lock(\/|$)|^@$/.exec(ref);
  if (forbidden !== null || ref.length > 250)
    refuse(`${shown(ref)} cannot be the name of a branch, tag or commit in git`);
  return ref;
}

function checkedFolder(folder: string): string | null {
  const parts = folder.split('/').filter((part) => part !== '' && part !== '.');
  // oxlint-disable-next-line no-control-regex -- no path has a use for them
  if (parts.includes('..') || /[\u0000-\u001f\u007f]/.test(folder) || folder.length > 4096) {
    refuse(`${shown(folder)} is no folder of a repository; expected a path below its root, without ..`);
  }
  if (parts[0]?.toLowerCase() === '.git') refuse('.git is not part of what a repository holds; name another folder');
  return parts.length === 0 ? null : parts.join('/');
}

const withoutUserinfo = (text: string): string => text.replace(/\/\/[^/]*@/, '//•••@').replace(/[?#].*$/s, '');

function refuse(sentence: string): never {
  throw new ContextError('INVALID', `${sentence}.`);
}
