import type { EventData } from '#libs/contracts';
import type { Decider } from '#libs/event-log';
import type { Wave } from './wave-book.js';

export interface WaveState {
  readonly opened: boolean;
  readonly closed: boolean;
}

export type WaveCommand =
  { readonly type: 'open'; readonly wave: Wave } | { readonly type: 'close'; readonly wave: Wave };

const closed = ({ id, members }: Wave): EventData<'wave.closed'> => {
  const counts = members.counts();
  return {
    wave: id,
    built: counts.Built,
    restored: 0,
    rebased: 0,
    unchanged: counts.Unchanged,
    unfinished: (['Failed', 'Excused'] as const)
      .map((reason) => ({ reason, tasks: counts[reason] }))
      .filter(({ tasks }) => tasks > 0),
  };
};

/** A wave is opened and closed once each; the rest of it is derived. */
export const waveDecider: Decider<WaveState, WaveCommand, 'wave.opened' | 'wave.closed'> = {
  kind: 'wave',
  initialState: { opened: false, closed: false },
  decide: ({ type, wave }, state) => {
    if (type === 'close') return state.closed ? [] : [{ type: 'wave.closed', data: closed(wave) }];
    if (state.opened) return [];
    const { id, reference, from, to, seenBy, hintedAt, position, depth, members } = wave;
    return [
      {
        type: 'wave.opened',
        data: { wave: id, reference, from, to, seenBy, hintedAt, position, tasks: members.size, depth },
      },
    ];
  },
  evolve: (state, event) =>
    event.type === 'wave.opened' ? { ...state, opened: true } : { opened: true, closed: true },
  isOver: (state) => state.closed,
};
