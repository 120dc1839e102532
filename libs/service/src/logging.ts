import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import type { Redactor } from './redactor.js';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** pino's logger: `logger.info({ task }, 'A sentence.')`. */
export type ServiceLogger = Logger;

export interface LoggerOptions {
  readonly name: string;
  readonly level?: LogLevel;
  readonly redactor?: Redactor;
  /** One readable line each instead of JSON; by default where the output is a terminal. */
  readonly pretty?: boolean;
  readonly write?: (line: string) => void;
}

const levelNames: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};
const hidden: ReadonlySet<string> = new Set(['level', 'time', 'name', 'msg', 'err', 'context']);

/** A JSON line of pino as a line for people. */
export const prettyLine = (json: string): string => {
  const entry = JSON.parse(json) as Record<string, unknown> & {
    msg?: string;
    err?: { message?: string; stack?: string };
  };
  const fields = Object.entries(entry)
    .filter(([key]) => !hidden.has(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  const level = (levelNames[entry['level'] as number] ?? '').padEnd(5);
  const time = String(entry['time']).slice(11, 23);
  const about = typeof entry['context'] === 'string' ? entry['context'] : String(entry['name']);
  const trace = entry.err ? `\n  ${entry.err.stack ?? entry.err.message ?? ''}` : '';
  return `${time} ${level} ${about}: ${entry.msg ?? ''}${fields}${trace}\n`;
};

/** A logger whose every line went through the redactor. */
export const createLogger = (options: LoggerOptions): ServiceLogger => {
  const write = options.write ?? ((line: string) => void process.stdout.write(line));
  const pretty = options.pretty ?? (options.write === undefined && process.stdout.isTTY);
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      base: { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: ['authorization', 'headers.authorization', 'token', 'password'], censor: '•••' },
    },
    {
      write: (line: string) => {
        const text = pretty ? prettyLine(line) : line;
        write(options.redactor ? options.redactor.redact(text) : text);
      },
    },
  );
};

/** Nest's own messages through our logger. What Nest says at every start is `debug` here. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: ServiceLogger) {}
  log(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.#write('error', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.#write('error', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.#write('warn', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.#write('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.#write('trace', message, rest);
  }

  /** Nest passes the context last and, for errors, a stack before it. */
  #write(level: 'trace' | 'debug' | 'warn' | 'error', message: unknown, rest: unknown[]): void {
    const context = rest.at(-1);
    const fields = {
      ...(typeof context === 'string' ? { context } : {}),
      ...(message instanceof Error ? { err: message } : {}),
      ...(level === 'error' && typeof rest[0] === 'string' && rest.length > 1 ? { stack: rest[0] } : {}),
    };
    this.logger[level](
      fields,
      message instanceof Error ? message.message : typeof message === 'string' ? message : JSON.stringify(message),
    );
  }
}
