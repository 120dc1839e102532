import type { Leases } from '../ports.js';
import type { BuilderClock } from '../time.js';

interface Holder {
  readonly holder: string;
  /** RFC 3339; from then on anybody may take it. */
  readonly until: string;
}

const read = (value: Uint8Array): Holder => JSON.parse(Buffer.from(value).toString('utf8')) as Holder;

/**
 * Does something on one builder at a time. For efficiency only: what is done must be right when two do it.
 * @returns false when another one is at it
 */
export const onlyOne = async (
  leases: Leases,
  key: string,
  holder: string,
  ttlMs: number,
  clock: BuilderClock,
  act: () => Promise<void>,
): Promise<boolean> => {
  const entry = (): Uint8Array =>
    Buffer.from(JSON.stringify({ holder, until: new Date(clock.now().getTime() + ttlMs).toISOString() }));
  const present = await leases.get(key);
  if (present && Date.parse(read(present.value).until) > clock.now().getTime()) return false;
  try {
    if (present) await leases.update(key, entry(), present.revision);
    else await leases.create(key, entry());
  } catch {
    return false; // another one was quicker; when the bucket cannot be reached, nobody does it this time
  }
  let stopped = false;
  let cancel: () => void = () => undefined;
  const refresh = (): void => {
    cancel = clock.setTimeout(() => {
      if (stopped) return;
      leases.put(key, entry()).then(refresh, refresh);
    }, ttlMs / 3);
  };
  refresh();
  try {
    await act();
  } finally {
    stopped = true;
    cancel();
    await leases.delete(key).catch(() => undefined); // expires by itself
  }
  return true;
};
