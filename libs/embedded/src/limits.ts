import type { Limits } from '#libs/event-log';

/** Shares of the store of an embedded server; together below one, so that the server has room of its own. */
export const embeddedLimits = (bytes: number): Partial<Limits> => ({
  eventsMaxBytes: Math.floor(bytes * 0.5),
  logsMaxBytes: Math.floor(bytes * 0.15),
  blobsMaxBytes: Math.floor(bytes * 0.12),
  dispatchMaxBytes: Math.floor(bytes * 0.01),
  deadMaxBytes: Math.floor(bytes * 0.01),
  kvMaxBytes: Math.floor(bytes * 0.01),
});
