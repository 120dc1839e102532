import type { SeenBy } from '#libs/contracts';
import { movedInputs } from '../model/staleness.js';
import { defineReason, familiar, moment, short } from './reason.js';

const how: Record<SeenBy, string> = {
  Webhook: 'the registry told us',
  Poll: 'found by polling',
  Push: 'pushed by us',
  Request: 'found when a person asked',
  Watch: 'found when watching began',
};

export const baseImageMoved = defineReason({
  type: 'BaseImageMoved',
  code: 'BASE_IMAGE_MOVED',
  detect: (task, images) =>
    movedInputs(task, images).map(({ reference, from, adoption }) => ({
      type: 'BaseImageMoved',
      reference,
      from,
      to: adoption.snapshot.digest,
      seenBy: adoption.seenBy,
      adoptedAt: new Date(adoption.at).toISOString(),
      position: adoption.position,
      run: adoption.run,
      ...(adoption.urgent ? { urgent: true } : {}),
    })),
  explain: ({ reference, from, to, seenBy, adoptedAt, run, urgent }) =>
    `${familiar(reference)} moved ${short(from)} → ${short(to)} at ${moment(adoptedAt)}` +
    (run ? `, pushed by run ${run}` : `, ${how[seenBy]}`) +
    (urgent ? '; released as urgent' : ''),
});
