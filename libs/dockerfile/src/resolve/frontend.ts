import { parseReference, platformKey } from '#libs/oci';
import type { Reference } from '#libs/oci';
import { DockerfileError } from '../errors.js';
import type { SyntaxDirective } from '../syntax/directives.js';
import { detectSyntax, firstWord } from '../syntax/directives.js';
import { addImage } from './collect.js';
import type { Findings } from './collect.js';
import type { Settings } from './options.js';

export interface Frontend {
  readonly reference: Reference;
  /** It is no build of docker/dockerfile, so what it makes of the file is its own affair. */
  readonly foreign: boolean;
  readonly line: number;
  readonly written: string;
}

/**
 * The image that interprets the file: of the build argument BUILDKIT_SYNTAX, else of the `syntax` directive.
 * @throws DockerfileError INVALID_REFERENCE
 */
export function frontendOf(text: string, { buildArgs }: Settings): Frontend | undefined {
  const directive = firstWord(buildArgs.get('BUILDKIT_SYNTAX') ?? '', 0) ?? detectSyntax(text);
  if (!directive) return undefined;
  const reference = referenceOf(directive);
  const name = reference.repository.slice(reference.repository.lastIndexOf('/') + 1);
  const foreign = name !== 'dockerfile' && name !== 'dockerfile-upstream';
  return { reference, foreign, line: directive.line, written: directive.image };
}

function referenceOf({ image, line }: SyntaxDirective): Reference {
  try {
    return parseReference(image);
  } catch (error) {
    throw new DockerfileError('INVALID_REFERENCE', line, `the syntax image: ${(error as Error).message}`);
  }
}

/** A frontend runs where the build runs. */
export function addFrontend(findings: Findings, frontend: Frontend, { buildPlatform }: Settings): void {
  const { reference, foreign, line, written } = frontend;
  const platform = platformKey(buildPlatform);
  addImage(findings, reference, platform, { role: 'frontend', via: 'direct', stage: null, line, written });
  if (!foreign) return;
  findings.unknown.add(['frontend', written], platform, {
    kind: 'frontend',
    reference: written,
    stage: null,
    line,
    message: `${written} interprets this file by rules of its own: the images that it brings in may not be listed here`,
  });
}
