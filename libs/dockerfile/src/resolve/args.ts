import type { Platform } from '#libs/oci';
import { formatPlatform } from '#libs/oci';
import { DockerfileError } from '../errors.js';
import type { Budget } from '../expand/index.js';
import { ExpansionError, lex } from '../expand/index.js';
import type { Outline } from '../syntax/stages.js';
import type { Settings } from './options.js';

/**
 * The variables that FROM and FROM --platform see: the predefined ones, then the global ARGs in order. A build argument
 * replaces a default outright, without expanding it; an ARG with neither defines nothing.
 * BuildKit: dockerfile2llb/convert.go, defaultArgs and buildMetaArgs.
 * @throws DockerfileError
 */
export function globalScope(
  { globalArgs, stages }: Outline,
  { buildArgs, buildPlatform, target }: Settings,
  targetPlatform: Platform,
  escape: string,
  budget: Budget,
): ReadonlyMap<string, string> {
  const scope = new Map([
    ...platformArgs('BUILD', buildPlatform),
    ...platformArgs('TARGET', targetPlatform),
    ['TARGETSTAGE', target ?? (stages.at(-1)?.name || 'default')] as const,
  ]);
  for (const name of scope.keys()) {
    const given = buildArgs.get(name);
    if (given !== undefined) scope.set(name, given);
  }
  for (const { name, value, line } of globalArgs) {
    const given = buildArgs.get(name);
    if (given !== undefined) scope.set(name, given);
    else if (value !== undefined) scope.set(name, expandAt(line, value, scope, escape, budget).word);
  }
  return scope;
}

function platformArgs(prefix: string, platform: Platform): (readonly [string, string])[] {
  return [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, platform.osVersion ?? ''],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ];
}

/** Expands a word of the file; what is wrong with it is told with its line. @throws DockerfileError */
export function expandAt(
  line: number,
  word: string,
  scope: ReadonlyMap<string, string>,
  escape: string,
  budget: Budget,
): { word: string; unset: ReadonlySet<string> } {
  try {
    return lex(word, scope, { escape, budget });
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    throw new DockerfileError(
      error.code,
      line,
      `${JSON.stringify(word.slice(0, 100))} cannot be expanded: ${error.message}`,
    );
  }
}
