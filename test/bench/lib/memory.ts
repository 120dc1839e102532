import { readFileSync } from 'node:fs';

/** Resident memory of a process in MB (10⁶ bytes), as the kernel counts it. */
export const rssMb = (pid: number): number => {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kib === undefined) throw new Error(`/proc/${pid}/status says no VmRSS: the process has ended.`);
  return (Number(kib) * 1024) / 1e6;
};

/** Seconds of processor time that a process has used, itself and in the kernel. */
export const cpuSeconds = (pid: number): number => {
  // Fields 14 and 15, in ticks of 10 ms (USER_HZ); the name before them may hold anything but ends with the last `)`.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

/** Processes that this one has started, from the kernel's own list. */
export const childrenOf = (pid: number): { pid: number; command: string }[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((text) => text !== '')
    .map((text) => ({ pid: Number(text), command: readFileSync(`/proc/${text}/comm`, 'utf8').trim() }));
