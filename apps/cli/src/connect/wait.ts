import { ticks } from '../follow/ticks.js';
import { until } from '../follow/until.js';
import type { Session } from '../session.js';

/** Waits for a notification that is later than the one `before`, and says when it came. */
export const untilNotified = async (
  session: Session,
  host: string,
  before: string | null,
  timeoutMs: number | undefined,
): Promise<void> => {
  const plinth = await session.client();
  const at = await until(
    session,
    {
      timeoutMs,
      what: `the first notification of ${host}`,
      late: `${host} has sent no notification in the time given.`,
      goOn: `plinth registry show ${host}`,
    },
    async (signal) => {
      for await (const _position of ticks(session, { types: 'tag', signal })) {
        const { lastNotificationAt } = await plinth.getRegistry({ host }, { signal });
        if (lastNotificationAt !== null && lastNotificationAt !== before) return lastNotificationAt;
      }
      return undefined;
    },
  );
  session.printer.note(`Verified at ${at}: ${host} notifies.`);
};
