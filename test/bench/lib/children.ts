import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();
// SIGTERM, not SIGKILL: a standalone Plinth has programs of its own to end.
process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

/** Sees to it that the process ends with this one, however this one ends. */
export const endWithUs = <C extends ChildProcess>(child: C): C => {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
};
