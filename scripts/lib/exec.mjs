/** Child processes: run and wait, or run and collect. */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Runs a command with this process's own output and waits for it.
 * @returns {Promise<number>} its exit code; 128 + the signal's number when a signal ended it, 127 when it cannot start
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    child.once('error', (error) => {
      process.stderr.write(`${command}: ${error.message}\n`);
      resolve(127);
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signalNumbers[signal] ?? 15)));
  });
}

export const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

/**
 * Runs a command and collects what it prints.
 * @returns {{ ok: boolean, stdout: string, stderr: string }}
 */
export function collect(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 600_000, maxBuffer: 64 << 20, ...options });
  return {
    ok: done.status === 0,
    stdout: done.stdout ?? '',
    stderr: done.error === undefined ? (done.stderr ?? '') : done.error.message,
  };
}

/** The first executable file of that name on PATH, leaving out folders for which `skip` is true. */
export function onPath(name, skip = () => false) {
  // Services and daemons live in sbin, which an ordinary user's PATH leaves out.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    if (folder === '' || skip(folder)) continue;
    const file = join(folder, name);
    if (isExecutable(file)) return file;
  }
  return undefined;
}

export function isExecutable(file) {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
