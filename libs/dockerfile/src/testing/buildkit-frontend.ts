/** BuildKit's own Dockerfile frontend as the second opinion of tests: `buildkit-frontend/main.go`, built where Go is. */
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { goPrograms, hasGo, repositoryRoot } from '#libs/testing';

export interface Question {
  readonly dockerfile: string;
  /** As `buildctl --opt` takes them: `target`, `platform`, `build-arg:NAME`, `context:NAME`. */
  readonly opts: Readonly<Record<string, string>>;
  /** Triggers in the configurations of images, by canonical name. */
  readonly onBuild: Readonly<Record<string, readonly string[]>>;
}

export interface Answer {
  /** `reference platform` of what the build is made of. */
  readonly used: readonly string[];
  /** The same of all images whose configuration was read. */
  readonly asked: readonly string[];
  /** The image of another frontend, to which the build was passed on. */
  readonly frontend?: string;
  readonly error?: string;
  /** It does not come back from this file. */
  readonly hangs?: true;
}

const source = join(repositoryRoot, 'libs/dockerfile/src/testing/buildkit-frontend');
const hash = createHash('sha256');
for (const name of readdirSync(source).sort()) hash.update(readFileSync(join(source, name)));
const program = join(goPrograms, `buildkit-frontend-${hash.digest('hex').slice(0, 12)}`);

/** Whether it is built already, or can be. */
export const canAskBuildKit = (): boolean => existsSync(program) || hasGo();

/** Builds it once for each state of its source; the compiler takes a minute. */
export async function buildBuildKitFrontend(): Promise<void> {
  if (existsSync(program)) return;
  mkdirSync(goPrograms, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'plinth-frontend-'));
  try {
    cpSync(source, work, { recursive: true });
    // The sums of its many modules are the business of the machine's Go, which writes them here.
    await promisify(execFile)('go', ['build', '-mod=mod', '-trimpath', '-o', 'frontend', '.'], { cwd: work });
    cpSync(join(work, 'frontend'), `${program}.new`);
    renameSync(`${program}.new`, program);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Asks one question after the other; a process that hangs on one is replaced. */
export class BuildKitFrontend {
  #process: ChildProcessWithoutNullStreams | undefined;
  #waiting: { answer: (answer: Answer) => void; fail: (error: Error) => void }[] = [];

  ask(question: Question): Promise<Answer> {
    return new Promise((answer, fail) => {
      this.#waiting.push({ answer, fail });
      this.#running().stdin.write(`${JSON.stringify(question)}\n`);
    });
  }

  stop(): void {
    this.#process?.kill('SIGKILL');
    this.#process = undefined;
  }

  #running(): ChildProcessWithoutNullStreams {
    if (this.#process) return this.#process;
    const started = spawn(program, { stdio: 'pipe' });
    this.#process = started;
    let said = '';
    started.stderr.on('data', (text) => (said = `${said}${String(text)}`.slice(0, 2000)));
    createInterface({ input: started.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      if (answer.hangs) this.stop();
      this.#waiting.shift()?.answer(answer);
    });
    started.once('exit', () => {
      if (this.#process !== started) return;
      this.#process = undefined;
      for (const { fail } of this.#waiting.splice(0)) fail(new Error(`BuildKit's frontend ended: ${said}`));
    });
    return started;
  }
}
