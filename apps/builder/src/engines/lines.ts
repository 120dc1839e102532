/** Cuts a byte stream into lines, whatever the chunks are; a character split between two chunks survives. */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);

  constructor(private readonly onLine: (line: string) => void) {}

  write(chunk: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = this.#rest.indexOf(10); end !== -1; end = this.#rest.indexOf(10, start)) {
      this.#emit(this.#rest.subarray(start, end));
      start = end + 1;
    }
    this.#rest = this.#rest.subarray(start);
  }

  /** The last line, if no newline ended it. */
  end(): void {
    if (this.#rest.length > 0) this.#emit(this.#rest);
    this.#rest = Buffer.alloc(0);
  }

  #emit(bytes: Buffer): void {
    const line = bytes.toString('utf8');
    this.onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}
