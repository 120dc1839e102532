import type { Platform, Reference } from '#libs/oci';
import { familiarReference, isDigest, parsePlatform, parseReference, platformKey } from '#libs/oci';
import { DockerfileError, quote } from '../errors.js';

/** What a named context puts in the place of an image or a stage. */
export type Context =
  | { readonly kind: 'image'; readonly reference: Reference }
  | { readonly kind: 'scratch' }
  | { readonly kind: 'files' }
  | { readonly kind: 'oci-layout' | 'input'; readonly value: string };

/** Contexts by `name` and `name::platform`. */
export type Contexts = ReadonlyMap<string, Context>;

/**
 * Reads `--build-context` options. Names are compared in their familiar form without `:latest`, so `alpine`,
 * `alpine:latest` and `docker.io/library/alpine` are one (buildx build.ParseContextNames).
 * @throws DockerfileError INVALID_BUILD_CONTEXT
 */
export function readContexts(options: Readonly<Record<string, string>>): Contexts {
  const contexts = new Map<string, Context>();
  for (const [key, value] of Object.entries(options)) {
    const [name = '', platform, ...more] = key.split('::');
    const normalised = more.length > 0 ? undefined : contextName(name);
    if (normalised === undefined) {
      throw invalidContext(`${quote(key)} cannot be the name of a build context: it must look like an image reference`);
    }
    const suffix = platform === undefined ? '' : `::${contextPlatform(key, platform)}`;
    contexts.set(normalised + suffix, readContext(key, value));
  }
  return contexts;
}

/**
 * The context that stands for a name on a platform, the platform's own before the general one (BuildKit:
 * dockerui/config.go, NamedContext).
 */
export function findContext(contexts: Contexts, name: string, platform: Platform): Context | undefined {
  if (contexts.size === 0) return undefined;
  const key = contextName(name);
  if (key === undefined) return undefined;
  return contexts.get(`${key}::${platformKey(platform)}`) ?? contexts.get(key);
}

/** The same for the name of a stage: `scratch` and `context` stand for no other (dockerfile2llb/convert.go). */
export function findStageContext(contexts: Contexts, name: string, platform: Platform): Context | undefined {
  return ['', 'scratch', 'context'].includes(name) ? undefined : findContext(contexts, name, platform);
}

function contextName(name: string): string | undefined {
  try {
    return familiarReference(parseReference(name)).replace(/:latest$/, '');
  } catch {
    return undefined; // Not a reference, and contexts are named like references: none can have this name.
  }
}

function contextPlatform(key: string, platform: string): string {
  try {
    return platformKey(parsePlatform(platform));
  } catch (error) {
    throw invalidContext(`the build context ${quote(key)} is for no platform: ${(error as Error).message}`);
  }
}

function readContext(name: string, value: string): Context {
  const colon = value.indexOf(':');
  const scheme = colon < 0 ? '' : value.slice(0, colon);
  const rest = value.slice(colon + 1).replace(/^\/\//, '');
  switch (scheme) {
    case 'docker-image':
      return rest === 'scratch' ? { kind: 'scratch' } : { kind: 'image', reference: imageOf(name, rest) };
    case 'oci-layout':
      if (!isDigest(rest.slice(rest.lastIndexOf('@') + 1))) {
        throw invalidContext(
          `the build context ${quote(name)} names an OCI layout without a digest; write oci-layout://store@sha256:…`,
        );
      }
      return { kind: 'oci-layout', value };
    case 'input':
    case 'target':
      return { kind: 'input', value };
    default:
      if (value === '') throw invalidContext(`the build context ${quote(name)} is empty`);
      // git, http, https, ssh, local: and plain directories hold files; no image comes from them.
      return { kind: 'files' };
  }
}

function imageOf(name: string, text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    throw invalidContext(`the build context ${quote(name)} names no image: ${(error as Error).message}`);
  }
}

function invalidContext(reason: string): DockerfileError {
  return new DockerfileError('INVALID_BUILD_CONTEXT', 0, reason);
}
