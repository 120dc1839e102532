import type { AnomalyAction, PolicyDefinition, PolicyPreset } from '#libs/contracts';

/** What decides about the digests of one image, with every field filled in. */
export interface PolicySettings {
  /** Name of the policy, or of the preset where none fits; it stands in events. */
  readonly name: string;
  readonly minimumAgeMs: number;
  readonly settleMs: number;
  readonly hold: boolean;
  /** Null: every image may be adopted. */
  readonly allow: readonly string[] | null;
  readonly anomalies: AnomalyAction;
  /** Whether a tag such as `22.x` is a range of versions. */
  readonly followVersions: boolean;
}

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `24h` → milliseconds; the contracts check the form. */
export const durationMs = (text: string): number =>
  Number(text.slice(0, -1)) * units[text.slice(-1) as keyof typeof units];

/**
 * `acr`: as Azure Container Registry does it, what a registry serves is used at once. `careful`: a poisoned tag is
 * mostly found within a day. Both wait for an index that is published piece by piece, as official images are: its
 * pieces come within hours, mostly less than half an hour apart.
 */
export const presets: Readonly<Record<PolicyPreset, Omit<PolicySettings, 'name'>>> = {
  acr: { minimumAgeMs: 0, settleMs: 1_800_000, hold: false, allow: null, anomalies: 'Flag', followVersions: false },
  careful: {
    minimumAgeMs: 86_400_000,
    settleMs: 1_800_000,
    hold: false,
    allow: null,
    anomalies: 'Hold',
    followVersions: false,
  },
};

/**
 * @param preset of this installation
 * @param own whether Plinth itself pushes to the registry: `careful` takes what is there at once
 */
export const settingsOf = (
  policy: PolicyDefinition | undefined,
  preset: PolicyPreset,
  own: boolean,
): PolicySettings => {
  const chosen = policy?.preset ?? preset;
  const { minimumAge, settle, hold, allow, anomalies, followVersions } = policy ?? {};
  const base = presets[own ? 'acr' : chosen];
  return {
    name: policy?.name ?? chosen,
    minimumAgeMs: minimumAge === undefined ? base.minimumAgeMs : durationMs(minimumAge),
    settleMs: settle === undefined ? base.settleMs : durationMs(settle),
    hold: hold ?? base.hold,
    allow: allow ?? base.allow,
    anomalies: anomalies ?? base.anomalies,
    followVersions: followVersions ?? base.followVersions,
  };
};
