import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';

/** The server's own code of an API error (`err_code` in its answers), or undefined for anything else. */
export const apiCode = (error: unknown): number | undefined =>
  error instanceof JetStreamApiError ? error.code : undefined;

/**
 * For a failed expectation the sequence that the subject is at: null where the server does not say it.
 * Undefined for every other error.
 */
export const wrongSequence = (error: unknown): number | null | undefined => {
  const code = apiCode(error);
  if (code !== JetStreamApiCodes.StreamWrongLastSequence && code !== JetStreamApiCodes.StreamWrongLastSequenceUnknown) {
    return undefined;
  }
  const [, digits] = /: (\d+)$/.exec((error as Error).message) ?? [];
  return digits === undefined ? null : Number(digits);
};

/** 10077 maximum bytes or messages exceeded, 10047 insufficient storage, 10023 insufficient resources. */
export const isFull = (error: unknown): boolean => [10077, 10047, 10023].includes(apiCode(error) ?? 0);

/**
 * Whether it may work a moment later: no answer in time, a broken connection, no leader (503). The outcome is then
 * unknown; the same request has to be made again with the same id.
 */
export const isPassing = (error: unknown): boolean => {
  if (error instanceof JetStreamApiError) return error.status === 503 && !isFull(error);
  if (error instanceof errors.PermissionViolationError) return false;
  if (error instanceof Error && error.cause instanceof errors.PermissionViolationError) return false;
  return (
    error instanceof errors.TimeoutError ||
    error instanceof errors.RequestError ||
    error instanceof errors.ConnectionError ||
    error instanceof errors.ClosedConnectionError ||
    // "no responders": the server is starting, and its streams are not there yet.
    (error instanceof Error && error.name === 'JetStreamNotEnabled')
  );
};
