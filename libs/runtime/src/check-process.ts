import { stat } from 'node:fs/promises';
import type { Finding } from '#libs/contracts';
import { isOlder, oldestServer, type Clock, type Jet, type Limits } from '#libs/event-log';
import { problem, warning, type Config, type DiagnosticChecks } from '#libs/service';

export interface ProcessFacts {
  readonly config: Config;
  readonly jet: Pick<Jet, 'check' | 'server'>;
  readonly keyFile: string;
  readonly tokenFile: string;
  readonly clock: Clock;
  readonly limits?: Partial<Limits> | undefined;
}

/** Clocks that differ by more than this make times in the log misleading. */
const clockToleranceMs = 5000;

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0');

/** A file whose content opens something. @param group whether the group may read it */
const secretFile = async (file: string, what: string, group: boolean): Promise<Finding[]> => {
  let mode: number;
  try {
    ({ mode } = await stat(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  if ((mode & 0o007) === 0 && (group ? (mode & 0o020) === 0 : (mode & 0o070) === 0)) return [];
  return [
    problem('FILE_EXPOSED', `Others can read or change ${what} ${file} (mode ${octal(mode)}).`, `chmod 600 ${file}`),
  ];
};

const loopback = /^(127\.|::1$|localhost$)/;

/** Registers what every process can say of itself: its files, its ports, the log that it stands on, its clock. */
export const checkProcess = (checks: DiagnosticChecks, facts: ProcessFacts): void => {
  const { config, jet, keyFile, tokenFile, clock, limits } = facts;

  checks.register('files', 'who can read the key file, the first token and the data', async () => [
    // Kubernetes mounts a secret for the group.
    ...(await secretFile(keyFile, 'the key file', true)),
    ...(await secretFile(tokenFile, 'the first admin token', false)),
    ...(await secretFile(config.PLINTH_DATA, 'the data folder', true)).map((found) => ({
      ...found,
      next: `chmod 700 ${config.PLINTH_DATA}`,
    })),
  ]);

  checks.register('ports', 'which addresses are listened on', () =>
    loopback.test(config.PLINTH_HOST)
      ? []
      : [
          warning(
            'OPEN_PORT',
            `HTTP and gRPC listen on ${config.PLINTH_HOST}: without TLS, and not on this machine alone.`,
            'put a proxy with TLS before it, or set PLINTH_HOST=127.0.0.1',
          ),
        ],
  );

  checks.register('log', 'the nats-server: its version, its streams', async () => {
    const { version, address } = await jet.server();
    const old = isOlder(version, oldestServer)
      ? [
          problem(
            'SERVER_TOO_OLD',
            `nats-server at ${address} is ${version}: it can lose acknowledged events in a crash.`,
            `upgrade it to ${oldestServer} or newer`,
          ),
        ]
      : [];
    const different = await jet.check(limits);
    return [
      ...old,
      ...different.map((text) => problem('STREAM_DIFFERENT', text, 'set the stream as docs/events.md says')),
    ];
  });

  checks.register('clock', 'the clock beside that of the nats-server', async () => {
    const { time } = await jet.server();
    if (time === null) return [];
    const skew = clock.now().getTime() - time.getTime();
    if (Math.abs(skew) <= clockToleranceMs) return [];
    const seconds = Math.round(Math.abs(skew) / 1000);
    return [
      warning(
        'CLOCK_SKEW',
        `The clock of this process is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} that of the nats-server.`,
        'let both follow a time server (NTP)',
      ),
    ];
  });
};
