import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { once } from 'node:events';
import { repositoryRoot, tempDir, type TempDir } from '#libs/testing';
import type { Plinth } from './plinth.js';

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called when the process runs and something has been printed. */
  readonly onOutput?: (child: ChildProcess, stdout: string, stderr: string) => void;
}

export const cliMain = join(repositoryRoot, 'dist/apps/cli/src/main.js');

/** `plinth` as child processes, against one server, in a home of its own. */
export class Cli {
  private constructor(
    private readonly folder: TempDir,
    readonly env: Readonly<Record<string, string>>,
  ) {}

  static async for({ url, token }: Pick<Plinth, 'url' | 'token'>): Promise<Cli> {
    const folder = await tempDir('cli');
    const bin = join(folder.path, 'bin');
    await mkdir(bin);
    // What `npm install -g` would make.
    await writeFile(join(bin, 'plinth'), `#!/bin/sh\nexec '${process.execPath}' '${cliMain}' "$@"\n`);
    await chmod(join(bin, 'plinth'), 0o755);
    return new Cli(folder, {
      PATH: [bin, process.env['PATH'] ?? ''].join(delimiter),
      HOME: folder.path,
      PLINTH_SERVER: url,
      PLINTH_TOKEN: token,
    });
  }

  /** A folder for files of a test. */
  get home(): string {
    return this.folder.path;
  }

  /** Writes files into a folder below the home; answers the folder. */
  async files(name: string, files: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(this.home, name);
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    return folder;
  }

  /** Runs `plinth` with these arguments to its end. */
  run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return this.start(process.execPath, [cliMain, ...args], options);
  }

  /** Runs lines of a shell, in which `plinth` is on the PATH. */
  shell(script: string, options: CliOptions = {}): Promise<CliResult> {
    return this.start('bash', ['-euo', 'pipefail', '-c', script], options);
  }

  /** What a command that succeeds prints. @throws Error with all that it said when it does not */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`plinth ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  async json<T = Record<string, unknown>>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.ok(...args, '-o', 'json')) as T;
  }

  close(): Promise<void> {
    return this.folder.remove();
  }

  private async start(program: string, args: readonly string[], options: CliOptions): Promise<CliResult> {
    const child = spawn(program, args, {
      cwd: options.cwd ?? this.home,
      env: { ...this.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onOutput?.(child, stdout, stderr);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onOutput?.(child, stdout, stderr);
    });
    child.stdin.on('error', () => undefined); // a command that refuses its arguments reads nothing
    child.stdin.end(options.stdin ?? '');
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code: code ?? (signal === null ? -1 : 128), stdout, stderr };
  }
}

/** What differs from one run to the next, by name: so that an answer can be compared with how it should look. */
export const normalised = (text: string, names: Readonly<Record<string, string>> = {}): string => {
  const named = Object.entries(names)
    .sort(([a], [b]) => b.length - a.length)
    .reduce((words, [from, to]) => words.replaceAll(from, to), text);
  return named
    .replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z/g, 'TIME')
    .replaceAll(/\d{2}:\d{2}:\d{2} UTC on \d{4}-\d{2}-\d{2}/g, 'MOMENT')
    .replaceAll(/\b\d{2}:\d{2}:\d{2}\b/g, 'DURATION')
    .replaceAll(/(?<= on )\S+(?= by \S+ \()/g, 'BUILDER')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:DIGEST')
    .replaceAll(/\b[0-9a-f]{12}\b/g, 'DIGEST')
    .replaceAll(/(?<=\S) {2,}(?=\S)/g, '  ')
    .replaceAll(/ +$/gm, '');
};
