import { changesOf } from '../rules/changes.js';
import type { AnomalyKind } from './anomaly.js';

export const platformVanished: AnomalyKind = {
  code: 'PlatformVanished',
  detect: (sighting) => {
    const { missing } = changesOf(sighting);
    return missing.length > 0 ? `It has no image for ${missing.join(', ')}, as the adopted one has.` : undefined;
  },
};
