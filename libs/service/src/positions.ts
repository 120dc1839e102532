import { PlinthError } from '#libs/contracts';

/** How far a service's projections are; `Projector` of libs/event-log is one with {@link positionsOf}. */
export interface Positions {
  /** True when the position is reached within the time; false when not. */
  waitFor(position: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean>;
  position(): number;
}

/** How long a request waits for the position that it names. */
export const positionWaitMs = 2000;

/** A projector, whose `position` is a property, as {@link Positions}. */
export const positionsOf = (projector: {
  readonly position: number;
  waitFor(position: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean>;
}): Positions => ({
  waitFor: (position, options) => projector.waitFor(position, options),
  position: () => projector.position,
});

/**
 * Waits until `positions` has reached what the caller has seen.
 *
 * @throws PlinthError PROJECTION_BEHIND after {@link positionWaitMs}
 */
export const awaitPosition = async (
  positions: Positions | undefined,
  position: number | undefined,
  signal: AbortSignal,
  timeoutMs = positionWaitMs,
): Promise<void> => {
  if (!positions || position === undefined || positions.position() >= position) return;
  if (await positions.waitFor(position, { timeoutMs, signal })) return;
  throw new PlinthError(
    'PROJECTION_BEHIND',
    `This service has read the log up to ${positions.position()}; the request asks for ${position}. Try again in a second.`,
  );
};
