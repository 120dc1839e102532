import type { PolicyView } from '#libs/contracts';
import type { Column } from '../output/table.js';

/** What it asks of a digest, in the words of its fields. */
const asksOf = ({ preset, minimumAge, settle, hold, allow, anomalies, followVersions }: PolicyView): string[] => [
  ...(preset ? [`preset ${preset}`] : []),
  ...(hold ? ['hold'] : []),
  ...(minimumAge ? [`minimum age ${minimumAge}`] : []),
  ...(settle ? [`settle ${settle}`] : []),
  ...(anomalies ? [`anomalies ${anomalies}`] : []),
  ...(followVersions ? ['follow versions'] : []),
  ...(allow ? [`allow ${allow.join(', ')}`] : []),
];

export const policyColumns: readonly Column<PolicyView>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'match', value: ({ match }) => match.join(',') },
  { title: 'asks', value: (policy) => asksOf(policy).join('; ') || 'as the default preset' },
  { title: 'images', value: ({ watchedImages }) => watchedImages },
  { title: 'set', value: ({ appliedBy }) => appliedBy, wide: true },
];

export const policyFields = (policy: PolicyView): (readonly [string, string | string[] | null | undefined])[] => [
  ['Policy', policy.name],
  ['Match', policy.match],
  ['Preset', policy.preset ?? 'the default'],
  ['Minimum age', policy.minimumAge],
  ['Settle', policy.settle],
  ['Hold', policy.hold ? 'every new digest, until a person releases it' : undefined],
  ['Allow', policy.allow],
  ['Anomalies', policy.anomalies],
  ['Versions', policy.followVersions ? 'a tag such as 22.x follows the highest version' : undefined],
  ['Images', String(policy.watchedImages)],
  ['Set', policy.appliedBy],
];
