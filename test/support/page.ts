import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { repositoryRoot, tempDir } from '#libs/testing';

/** A fenced block of a page that is run: its commands, and what the page shows as their output. */
export interface Step {
  /** Line of the page on which the fence opens. */
  readonly line: number;
  readonly commands: string;
  /** Undefined when the page shows none. */
  readonly output: string | undefined;
}

/**
 * The steps of a page: each `sh` block, with the `text output` block that follows it before the next `sh` block. Other
 * blocks are for reading alone.
 */
export const stepsOf = (markdown: string): Step[] => {
  const steps: { line: number; commands: string; output: string | undefined }[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const info = /^```(\S.*)?$/.exec(lines[at] ?? '')?.[1]?.trim();
    if (info === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`The block of line ${at + 1} has no end.`);
    const body = lines.slice(at + 1, end).join('\n');
    const last = steps.at(-1);
    if (info === 'sh') steps.push({ line: at + 1, commands: body, output: undefined });
    else if (info === 'text output') {
      if (!last || last.output !== undefined) throw new Error(`Line ${at + 1}: no commands have this output.`);
      last.output = body;
    }
    at = end;
  }
  return steps;
};

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * What a page shows as output, as a pattern: `…` stands for any text in a line, a line of `…` alone for any lines, and
 * any run of spaces for another, since the width of columns follows their content.
 */
export const patternOf = (output: string): RegExp => {
  const lines = output
    .trim()
    .split('\n')
    .map((line) =>
      line.trim() === '…'
        ? '(?:[^\\n]*\\n)*?[^\\n]*'
        : line
            .trim()
            .split('…')
            .map((part) => part.split(/ +/).map(escape).join(' +'))
            .join('[^\\n]*'),
    );
  return new RegExp(`^${lines.join(' *\\n *')} *$`);
};

export interface PageOptions {
  /** Texts of the page, and what stands in their place here: hosts, above all. */
  readonly replace: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs the steps of a page from the top in one bash, in an empty folder, with `plinth` on PATH, and compares.
 *
 * @throws Error that names the line of the page: a command failed, or its output is not the one that is shown
 */
export const runPage = async (page: string, { replace, env }: PageOptions): Promise<void> => {
  await using dir = await tempDir('page');
  const bin = join(dir.path, 'bin');
  const home = join(dir.path, 'home');
  await mkdir(bin);
  await mkdir(home);
  await symlink(join(repositoryRoot, 'scripts/plinth.mjs'), join(bin, 'plinth'));
  let text = await readFile(join(repositoryRoot, page), 'utf8');
  for (const [from, to] of Object.entries(replace)) text = text.replaceAll(from, to);
  const steps = stepsOf(text);
  const path = [bin, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  const bash = new Bash(home, { ...process.env, HOME: home, PATH: path, NO_COLOR: '1', ...env });
  try {
    for (const { line, commands, output } of steps) {
      const { code, out, err } = await bash.run(commands);
      if (code !== 0) throw new Error(`${page}:${line} ended with ${code}:\n${commands}\n${out}${err}`);
      if (output === undefined || patternOf(output).test(out.trim())) continue;
      throw new Error(`${page}:${line} printed\n${out}\nand the page shows\n${output}\n(on stderr: ${err})`);
    }
  } finally {
    await bash.end();
  }
};

const mark = '--- end of the step';

/** One bash that runs one piece after another and keeps its variables and folder. */
class Bash {
  readonly #child;
  #out = '';
  #err = '';
  #heard = Promise.withResolvers<void>();

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.#child = spawn('bash', ['--noprofile', '--norc', '-s'], { cwd, env, stdio: 'pipe' });
    const hear = (): void => {
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    };
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#out += chunk.toString('utf8');
      hear();
    });
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#err += chunk.toString('utf8')));
    this.#child.once('close', hear);
  }

  async run(commands: string): Promise<{ code: number; out: string; err: string }> {
    this.#out = '';
    this.#err = '';
    // A group, so that the first command that fails ends the step and not the shell.
    this.#child.stdin.write(`{ set -e; ${commands}\n:; } </dev/null; set +e\nprintf '\\n${mark} %s\\n' $?\n`);
    const end = new RegExp(`\\n${mark} (\\d+)\\n$`);
    for (;;) {
      const match = end.exec(this.#out);
      if (match) return { code: Number(match[1]), out: this.#out.slice(0, match.index), err: this.#err };
      if (this.#child.exitCode !== null) return { code: this.#child.exitCode, out: this.#out, err: this.#err };
      await this.#heard.promise;
    }
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'close');
    this.#child.stdin.end('exit 0\n');
    await ended;
  }
}
