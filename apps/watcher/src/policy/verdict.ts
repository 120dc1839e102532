import type { Anomaly, HoldCode } from '#libs/contracts';
import { rules } from './rules/index.js';
import type { Question } from './rules/rule.js';

/** What policy says of a digest. */
export type Verdict =
  | { readonly adopt: true; readonly policy: string; readonly anomalies: readonly Anomaly[] }
  | {
      readonly adopt: false;
      readonly policy: string;
      readonly code: HoldCode;
      readonly reason: string;
      /** When it may be adopted if nothing else happens, RFC 3339; null: not by time alone. */
      readonly until: string | null;
      readonly anomalies: readonly Anomaly[];
    };

/** Asks every rule. Pure: time comes in the question. */
export const judge = (question: Question): Verdict => {
  const { tag, settings, anomalies: found } = question;
  const anomalies = settings.anomalies === 'Ignore' ? [] : found;
  const asked = tag.adopted ? rules : rules.filter(({ first }) => first);
  const objections = asked.flatMap((rule) => {
    const objection = rule.objection(question);
    return objection ? [{ code: rule.code, ...objection }] : [];
  });
  const [first] = objections;
  const policy = settings.name;
  if (!first) return { adopt: true, policy, anomalies };
  const ends = objections.map(({ until }) => until);
  const until = ends.some((end) => end === null) ? null : Math.max(...ends.map(Number));
  const { code, reason } = first;
  return {
    adopt: false,
    policy,
    code,
    reason,
    until: until === null ? null : new Date(until).toISOString(),
    anomalies,
  };
};
