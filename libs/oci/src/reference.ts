import { createHash } from 'node:crypto';

/** `sha256:<64 lower-case hex>` or `sha512:<128 lower-case hex>`; made by {@link parseDigest} or {@link digestOf} only. */
export type Digest = string & { readonly __brand: 'Digest' };

/**
 * A canonical image reference. `registry` is the host (with port) as written in names, which for Docker Hub is not
 * the host that is talked to. With both `tag` and `digest`, the digest decides and the tag is shown to people.
 */
export interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** The text is not an image reference; the message names it, what is wrong with it and what was expected. */
export class InvalidReferenceError extends Error {
  override readonly name = 'InvalidReferenceError';
  readonly code = 'INVALID_REFERENCE';
  constructor(
    readonly text: string,
    readonly reason: string,
  ) {
    super(`${quote(text)} is not an image reference: ${reason}. Expected [host[:port]/]repository[:tag][@digest].`);
  }
}

const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_ALIASES = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com']);

// The grammar of github.com/distribution/reference (regexp.go), the one that docker, containerd and BuildKit use.
const DOMAIN_LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = new RegExp(`^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const IMAGE_ID = /^[a-f0-9]{64}$/;
const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;
const MAX_REPOSITORY = 255;

/**
 * Reads what people and Dockerfiles write and gives the one canonical form: Docker Hub's aliases become `docker.io`,
 * its one-part names get `library/`, and `:latest` is added when there is neither tag nor digest.
 * @throws InvalidReferenceError
 */
export function parseReference(text: string): Reference {
  if (text === '') throw new InvalidReferenceError(text, 'it is empty');
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text);
  if (scheme) throw new InvalidReferenceError(text, `leave out ${quote(scheme[0])}, a reference has no scheme`);

  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : digestPart(text, text.slice(at + 1));
  const named = at < 0 ? text : text.slice(0, at);

  // A colon after the last slash starts the tag; one before it is a port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : tagPart(text, named.slice(colon + 1));
  const name = colon < 0 ? named : named.slice(0, colon);

  const { registry, repository } = splitName(text, name);
  checkRepository(text, repository);
  return reference(registry, repository, tag ?? (digest ? undefined : 'latest'), digest);
}

/** `docker.io/library/node:22`, `host/repo@sha256:…`, `host/repo:tag@sha256:…`; {@link parseReference} reads it back. */
export function formatReference(ref: Reference): string {
  return `${repositoryName(ref)}${suffix(ref)}`;
}

/** The canonical text of any spelling. @throws InvalidReferenceError */
export function canonicalReference(text: string): string {
  return formatReference(parseReference(text));
}

/** What people write: `node:22` for `docker.io/library/node:22`. Always reads back to the same reference. */
export function familiarReference(ref: Reference): string {
  if (ref.registry !== DOCKER_HUB) return formatReference(ref);
  const parts = ref.repository.split('/');
  const [first = '', second = ''] = parts;
  if (parts.length === 2 && first === 'library' && !IMAGE_ID.test(second)) return `${second}${suffix(ref)}`;
  // `docker.io/my.org/x` must keep its host, or `my.org` would be read as one.
  return parts.length > 1 && !looksLikeHost(first) ? `${ref.repository}${suffix(ref)}` : formatReference(ref);
}

/** `host/repository`, without tag and digest. */
export function repositoryName(ref: Pick<Reference, 'registry' | 'repository'>): string {
  return `${ref.registry}/${ref.repository}`;
}

/** The same reference pinned to a digest; a tag stays, to be shown. */
export function withDigest(ref: Reference, digest: Digest): Reference {
  return reference(ref.registry, ref.repository, ref.tag, digest);
}

/** The same repository at another tag. A digest is dropped: it belonged to the former tag. @throws InvalidReferenceError */
export function withTag(ref: Reference, tag: string): Reference {
  return reference(ref.registry, ref.repository, tagPart(`${repositoryName(ref)}:${tag}`, tag), undefined);
}

/** Whether the reference names bytes (has a digest), not a name that may move. */
export function isPinned(ref: Reference): ref is Reference & { readonly digest: Digest } {
  return ref.digest !== undefined;
}

/** Whether text is a tag by the distribution grammar (1 to 128 of `[A-Za-z0-9_.-]`, not starting with `.` or `-`). */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether text is a digest that {@link parseDigest} accepts. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** @throws InvalidReferenceError when it is not a sha256 or sha512 digest in lower-case hex. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new InvalidReferenceError(text, 'a digest is sha256:<64 hex> or sha512:<128 hex>, in lower case');
}

/** The sha256 digest of these bytes, which is how content is named everywhere in OCI. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

function splitName(text: string, name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  if (slash < 0) {
    if (IMAGE_ID.test(name)) throw new InvalidReferenceError(text, '64 hex characters are an image ID, not a name');
    return { registry: DOCKER_HUB, repository: `library/${name}` };
  }
  const first = name.slice(0, slash);
  if (!looksLikeHost(first)) return { registry: DOCKER_HUB, repository: name };
  if (!DOMAIN.test(first)) throw new InvalidReferenceError(text, `${quote(first)} is not a registry host`);
  const registry = canonicalHost(first);
  const rest = name.slice(slash + 1);
  return { registry, repository: registry === DOCKER_HUB && !rest.includes('/') ? `library/${rest}` : rest };
}

/** Distribution's rule: only these first parts are hosts, any other is a namespace of Docker Hub. */
function looksLikeHost(part: string): boolean {
  return part === 'localhost' || /[.:]/.test(part) || part !== part.toLowerCase();
}

/** DNS ignores case, so `GHCR.io` and `ghcr.io` are one; unless only its case makes the part a host (`Registry/app`). */
function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  if (DOCKER_HUB_ALIASES.has(lower)) return DOCKER_HUB;
  return looksLikeHost(lower) ? lower : host;
}

function checkRepository(text: string, repository: string): void {
  if (repository.length > MAX_REPOSITORY) {
    throw new InvalidReferenceError(text, `the repository is longer than ${MAX_REPOSITORY} characters`);
  }
  for (const part of repository.split('/')) {
    if (PATH_COMPONENT.test(part)) continue;
    if (part === '') throw new InvalidReferenceError(text, 'a part of the repository is empty');
    const why =
      part === part.toLowerCase() ? "parts are a-z and 0-9, joined by '.', '_', '__' or '-'" : 'use lower case';
    throw new InvalidReferenceError(text, `${quote(part)} cannot be part of a repository, ${why}`);
  }
}

function tagPart(text: string, tag: string): string {
  if (TAG.test(tag)) return tag;
  throw new InvalidReferenceError(
    text,
    `${quote(tag)} is not a tag, which is 1 to 128 letters, digits, '_', '.' or '-', not starting with '.' or '-'`,
  );
}

function digestPart(text: string, digest: string): Digest {
  if (isDigest(digest)) return digest;
  throw new InvalidReferenceError(
    text,
    `${quote(digest)} is not a digest, which is sha256:<64 hex> or sha512:<128 hex>, in lower case`,
  );
}

function reference(registry: string, repository: string, tag?: string, digest?: Digest): Reference {
  return { registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

function suffix(ref: Reference): string {
  return `${ref.tag === undefined ? '' : `:${ref.tag}`}${ref.digest === undefined ? '' : `@${ref.digest}`}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
