import { readFileSync } from 'node:fs';

/** Resident memory of a process in MB (10⁶ bytes), as the kernel counts it. */
export const rssMb = (pid: number): number => {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kib === undefined) throw new Error(`/proc/${pid}/status says no VmRSS: the process has ended.`);
  return (Number(kib) * 1024) / 1e6;
};

/** Processes that this one has started, from the kernel's own list. */
export const childrenOf = (pid: number): { pid: number; command: string }[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((text) => text !== '')
    .map((text) => ({ pid: Number(text), command: readFileSync(`/proc/${text}/comm`, 'utf8').trim() }));
