/** Evidence with one lie in it, for the control: a judge who does not find it proves nothing. */
import type { Entry, Evidence } from './evidence.js';
import { isReferrersTag, type Put } from './journal.js';
import type { Problem } from './judge.js';

export interface Lie {
  readonly title: string;
  readonly found: Problem['check'];
  tell(evidence: Evidence): Evidence;
}

const everywhere = (evidence: Evidence, change: (entries: readonly Entry[]) => readonly Entry[]): Evidence => ({
  ...evidence,
  streams: Object.fromEntries(Object.entries(evidence.streams).map(([name, entries]) => [name, change(entries)])),
});

const lastSuccess = (entries: readonly Entry[]): Entry => {
  const keys = new Map(
    entries.filter(({ type }) => type === 'run.queued').map(({ subject, data }) => [subject, data['key']]),
  );
  const found = entries.findLast(
    ({ type, subject }) => type === 'run.succeeded' && typeof keys.get(subject) === 'string',
  );
  if (!found) throw new Error('No automatic run has succeeded: there is nothing to lie about.');
  return found;
};

const nameOf = ({ repository, tag }: Put): string => `${repository}:${tag}`;

/** A tag's move to a digest at which it is no more. */
const supersededMove = ({ moves, heads }: Evidence): Put => {
  const found = moves.findLast((move) => (heads[nameOf(move)] ?? move.digest) !== move.digest);
  if (!found) throw new Error('No image was built a second time: there is nothing to lie about.');
  return found;
};

/** The same run under another id, appended to the stream. */
const again = (entries: readonly Entry[]): readonly Entry[] => {
  const { subject } = lastSuccess(entries);
  const copies = entries
    .filter((entry) => entry.subject === subject)
    .map((entry, i) => ({
      ...entry,
      id: `${entry.id}-again`,
      subject: `${subject}-again`,
      position: entries.length + 1 + i,
    }));
  return [...entries, ...copies];
};

export const lies: readonly Lie[] = [
  {
    title: 'a dependant that stands on the base before',
    found: 'content',
    tell: (evidence) => {
      const earlier = supersededMove(evidence);
      const [name, digest] = [nameOf(earlier), earlier.digest];
      return { ...evidence, heads: { ...evidence.heads, [name]: digest } };
    },
  },
  {
    title: 'a key that was built twice, as the event stream tells it',
    found: 'once',
    tell: (evidence) => everywhere(evidence, again),
  },
  {
    title: 'a generation that was built twice, as the journal tells it',
    found: 'once',
    tell: (evidence) => {
      const move = evidence.moves.findLast(({ repository }) => repository === evidence.images[0]!.repository)!;
      const digest = `sha256:${'0'.repeat(64)}`;
      return {
        ...evidence,
        moves: [...evidence.moves, { ...move, digest }],
        contents: {
          ...evidence.contents,
          [`${move.repository}@${digest}`]: evidence.contents[`${move.repository}@${move.digest}`]!,
        },
      };
    },
  },
  {
    title: 'an image that holds two generations of one base',
    found: 'generation',
    tell: (evidence) => {
      const image = evidence.images.at(-1)!;
      const [path, base] = Object.entries(image.proofs).at(-1)!;
      const key = `${image.repository}@${evidence.heads[`${image.repository}:${image.tags[0]}`]}`;
      const files = { ...evidence.contents[key], [path]: `another ${base}` };
      return { ...evidence, contents: { ...evidence.contents, [key]: files } };
    },
  },
  {
    title: 'a tag that went back',
    found: 'backwards',
    tell: (evidence) => ({ ...evidence, moves: [...evidence.moves, supersededMove(evidence)] }),
  },
  {
    title: 'a gap in the event stream',
    found: 'stream',
    tell: (evidence) => everywhere(evidence, (entries) => entries.toSpliced(Math.floor(entries.length / 2), 1)),
  },
  {
    title: 'an event stream that forks',
    found: 'stream',
    tell: (evidence) => {
      const [name, entries] = Object.entries(evidence.streams).at(-1)!;
      const at = Math.floor(entries.length / 2);
      const other = { ...entries[at]!, id: 'something-else' };
      return { ...evidence, streams: { ...evidence.streams, [name]: entries.with(at, other) } };
    },
  },
  {
    title: 'an append whose lost answer was taken for a refusal',
    found: 'stream',
    tell: (evidence) =>
      everywhere(evidence, (entries) => [...entries, { ...entries[0]!, position: entries.length + 1 }]),
  },
  {
    title: 'a run that goes on after its end',
    found: 'run',
    tell: (evidence) =>
      everywhere(evidence, (entries) => [
        ...entries,
        { ...lastSuccess(entries), id: 'after-its-end', position: entries.length + 1 },
      ]),
  },
  {
    title: 'a tag that was moved before the provenance was there',
    found: 'provenance',
    tell: (evidence) => {
      const first = evidence.moves.find(({ tag }) => isReferrersTag(tag));
      return { ...evidence, moves: evidence.moves.filter(({ tag }) => tag !== first?.tag) };
    },
  },
  {
    title: 'a tag that was moved to what no run had built',
    found: 'journal',
    tell: (evidence) =>
      everywhere(evidence, (entries) =>
        entries.map((entry) => (entry.type === 'run.built' ? { ...entry, data: { outputs: [] } } : entry)),
      ),
  },
];
