import type { AdoptionRule } from './rule.js';

export const looksOdd: AdoptionRule = {
  code: 'Anomaly',
  objection: ({ anomalies, settings }) =>
    settings.anomalies === 'Hold' && anomalies.length > 0
      ? { reason: anomalies.map(({ message }) => message).join(' '), until: null }
      : undefined,
};
