import { DockerfileError } from '../errors.js';
import { MAX_FILE_BYTES, MAX_LINE_BYTES } from '../limits.js';

/**
 * Refuses what BuildKit or we would refuse for its size alone, before anything else looks at it.
 * @throws DockerfileError DOCKERFILE_TOO_LARGE
 */
export function checkSize(text: string): void {
  // No character takes more than three bytes per UTF-16 unit: only texts near the limit are measured.
  if (text.length * 3 > MAX_FILE_BYTES && Buffer.byteLength(text) > MAX_FILE_BYTES) {
    throw new DockerfileError(
      'DOCKERFILE_TOO_LARGE',
      0,
      `it is larger than ${MAX_FILE_BYTES} bytes; is this the right file?`,
    );
  }
}

export function withoutBom(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Reads a text line by line, with their endings, and knows the number of the last line read, from 1. */
export class LineReader {
  #position = 0;
  number = 0;
  constructor(readonly text: string) {}

  /** @throws DockerfileError LINE_TOO_LONG */
  next(): string | undefined {
    if (this.#position >= this.text.length) return undefined;
    const newline = this.text.indexOf('\n', this.#position);
    const end = newline < 0 ? this.text.length : newline + 1;
    const line = this.text.slice(this.#position, end);
    this.#position = end;
    this.number++;
    if (line.length * 3 > MAX_LINE_BYTES && Buffer.byteLength(line) > MAX_LINE_BYTES) {
      throw new DockerfileError(
        'LINE_TOO_LONG',
        this.number,
        `it is longer than ${MAX_LINE_BYTES} bytes, which is all that BuildKit reads; break it with a continuation`,
      );
    }
    return line;
  }
}
