import { isPlinthError } from '#libs/contracts/light';
import type { Session } from '../session.js';
import type { Checked } from './checked.js';

/** Clocks that differ by more than this make times in answers misleading, and tokens end early or late. */
const clockToleranceMs = 5000;

const one = (code: string, text: string, next: string): Checked[] => [
  { check: 'server', looked: 'whether it answers', findings: [{ code, severity: 'Problem', text, next }] },
];

/** What the server says of itself. */
export const serverChecks = async ({ client }: Session): Promise<Checked[]> => {
  const plinth = await client();
  const before = Date.now();
  let answer;
  try {
    answer = await plinth.getDiagnostics();
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'ConnectionError')
      return one('UNREACHABLE', message, 'start it with plinth up, or name it with --server');
    if (!isPlinthError(error)) throw error;
    const next = error.code === 'PERMISSION_DENIED' ? 'ask with an admin token' : 'plinth login';
    return one(error.code, `The server does not say how it is: ${message}`, next);
  }
  const { process, time, checks } = answer;
  // Half of the way there and back is the best guess of when the server looked at its clock.
  const skew = new Date(time).getTime() - (before + Date.now()) / 2;
  const seconds = Math.round(Math.abs(skew) / 1000);
  return [
    ...checks.map(({ name, looked, findings }) => ({ check: `${process} ${name}`, looked, findings })),
    {
      check: 'clock',
      looked: 'the clock of the server beside that of this machine',
      findings:
        Math.abs(skew) <= clockToleranceMs
          ? []
          : [
              {
                code: 'CLOCK_SKEW',
                severity: 'Warning',
                text: `The clock of the server is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's.`,
                next: 'let both follow a time server (NTP)',
              },
            ],
    },
  ];
};
