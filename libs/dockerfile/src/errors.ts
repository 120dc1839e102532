/** What can be wrong with a Dockerfile, or with the options that it is resolved with. */
export type DockerfileErrorCode =
  | 'DOCKERFILE_TOO_LARGE'
  | 'LINE_TOO_LONG'
  | 'NO_INSTRUCTIONS'
  | 'NO_STAGES'
  | 'DUPLICATE_DIRECTIVE'
  | 'INVALID_ESCAPE'
  | 'UNKNOWN_INSTRUCTION'
  | 'INSTRUCTION_BEFORE_FROM'
  | 'INVALID_INSTRUCTION'
  | 'INVALID_STAGE_NAME'
  | 'UNTERMINATED_HEREDOC'
  | 'INVALID_EXPANSION'
  | 'EXPANSION_TOO_LARGE'
  | 'BLANK_BASE'
  | 'INVALID_PLATFORM'
  | 'INVALID_REFERENCE'
  | 'VARIABLE_IN_FROM'
  | 'UNKNOWN_STAGE_INDEX'
  | 'UNKNOWN_TARGET'
  | 'CIRCULAR_STAGES'
  | 'STAGE_NOT_YET_DEFINED'
  | 'INVALID_ONBUILD'
  | 'INVALID_BUILD_CONTEXT'
  | 'TOO_MANY_IMAGES';

/**
 * The one error that this library throws for its input. `line` counts from 1, as editors do; 0 means that no line of
 * the file is at fault. The message is a sentence that names the line and says what to change.
 */
export class DockerfileError extends Error {
  override readonly name = 'DockerfileError';
  constructor(
    readonly code: DockerfileErrorCode,
    readonly line: number,
    readonly reason: string,
  ) {
    super(line > 0 ? `Dockerfile line ${line}: ${reason}` : `Dockerfile: ${reason}`);
  }
}

/** For catching across copies of this library, where `instanceof` is not enough. */
export function isDockerfileError(error: unknown): error is DockerfileError {
  return error instanceof Error && error.name === 'DockerfileError' && 'code' in error && 'line' in error;
}

/** A piece of the file as it may stand in a message: quoted, so that no control character escapes, and short. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
