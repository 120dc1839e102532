import type { Feed } from './feed.js';

/** Longest that one build may take, in milliseconds. */
const buildMs = 90_000;

/** Resolves when the run has succeeded. @throws Error with the run's own words when it has not */
export const succeeded = (feed: Feed, run: string, image: string): Promise<void> =>
  feed
    .until(
      (event): { problem: string | null } | undefined => {
        switch (event.type) {
          case 'run.succeeded':
            return event.data.run === run ? { problem: null } : undefined;
          case 'run.failed':
            return event.data.run === run ? { problem: event.data.reason } : undefined;
          case 'run.canceled':
            return event.data.run === run ? { problem: event.data.message } : undefined;
          case 'run.errored':
            return event.data.run === run && event.data.retryAt === null ? { problem: event.data.reason } : undefined;
          default:
            return undefined;
        }
      },
      { timeoutMs: buildMs, what: `The build of ${image} (run ${run})` },
    )
    .then(({ problem }) => {
      if (problem !== null) throw new Error(`${image} was not built by run ${run}: ${problem}`);
    });
