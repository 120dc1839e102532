import type { Anomaly } from '#libs/contracts';
import type { AnomalyKind, Sighting } from './anomaly.js';
import { createdEarlier } from './created-earlier.js';
import { manyTagsMoved } from './many-tags.js';
import { platformVanished } from './platform-vanished.js';
import { seenBefore } from './seen-before.js';

const kinds: readonly AnomalyKind[] = [seenBefore, createdEarlier, platformVanished, manyTagsMoved];

/** Everything that is odd about a digest; there is nothing to compare the first one with. */
export const anomaliesOf = (sighting: Sighting): Anomaly[] =>
  sighting.tag.adopted === null
    ? []
    : kinds.flatMap(({ code, detect }) => {
        const message = detect(sighting);
        return message === undefined ? [] : [{ code, message }];
      });
