import { styleText, stripVTControlCharacters } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Something that is drawn in place, at the end of what was printed. */
export interface Live {
  /** Stops moving; what it shows last stays. */
  end(): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 100;

/**
 * What people watch. On a terminal, boards are drawn in place and in colour; elsewhere each fact is one plain line.
 * NO_COLOR (no-color.org) is honoured.
 */
export class Screen {
  /** On a terminal that can move its cursor. */
  readonly live: boolean;
  readonly #colour: boolean;
  #render: (() => string[]) | undefined;
  #drawn = 0;

  constructor(
    private readonly out: NodeJS.WriteStream = process.stdout,
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.live = out.isTTY && env['TERM'] !== 'dumb' && !env['CI'];
    this.#colour = out.isTTY && env['TERM'] !== 'dumb' && !env['NO_COLOR'];
  }

  paint(style: Style, text: string): string {
    return this.#colour ? styleText(style, text, { validateStream: false }) : text;
  }

  /** A line that stays, above what is drawn in place. */
  say(line = ''): void {
    this.out.write(`${this.#cleared()}${line}\n${this.#drawing()}`);
  }

  /** A line for who has no board to look at. */
  note(line: string): void {
    if (!this.live) this.say(line);
  }

  heading(text: string): void {
    this.say();
    this.say(this.paint(['bold', 'cyan'], text));
  }

  /** Draws these lines in place until `end`. Without a terminal, nothing is drawn: `note` tells it. */
  show(render: () => string[]): Live {
    if (!this.live) return { end: () => undefined };
    this.#render = render;
    this.out.write(`\u001b[?25l${this.#drawing()}`);
    const timer = setInterval(() => this.redraw(), frameMs);
    return {
      end: () => {
        if (this.#render !== render) return;
        clearInterval(timer);
        this.redraw();
        this.close();
      },
    };
  }

  redraw(): void {
    if (this.#render) this.out.write(this.#cleared() + this.#drawing());
  }

  /** Leaves the terminal as it was. */
  close(): void {
    if (this.#render) this.out.write('\u001b[?25h');
    this.#render = undefined;
    this.#drawn = 0;
  }

  /** What turns while something goes on. */
  spinner(): string {
    return frames[Math.floor(performance.now() / frameMs) % frames.length] ?? '';
  }

  /** What takes away what is drawn. One write for taking away and drawing: else it would flicker. */
  #cleared(): string {
    const drawn = this.#drawn;
    this.#drawn = 0;
    return drawn > 0 ? `\u001b[${drawn}A\u001b[0J` : '';
  }

  #drawing(): string {
    if (!this.#render) return '';
    // A line that wraps would take two, and moving up would then miss.
    const lines = this.#render().map((line) => fitted(line, (this.out.columns || 80) - 1));
    this.#drawn = lines.length;
    return lines.map((line) => `${line}\n`).join('');
  }
}

/** A line cut to this many columns; a cut one loses its colours. */
const fitted = (line: string, columns: number): string => {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
};

/** `0.04 s`, `12.3 s` from milliseconds. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;

/** `sha256:1f2e3d4c…` → `1f2e3d4c`. */
export const short = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 8);
