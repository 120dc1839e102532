/** The part of pino that this library uses: fields first, then a sentence. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = (): void => undefined;
/** For tests, and for callers that have nowhere to write to. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
