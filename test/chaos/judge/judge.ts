/** Whether what happened was right. Pure: evidence in, sentences out. */
import type { DeclaredImage, Entry, Evidence } from './evidence.js';
import { isReferrersTag, referrersTag } from './journal.js';
import { runProblems } from './runs.js';

export interface Problem {
  readonly check: 'content' | 'generation' | 'once' | 'backwards' | 'stream' | 'run' | 'journal' | 'provenance';
  readonly sentence: string;
}

export interface JudgeOptions {
  /**
   * Images that may have gone back for a moment, as a builder was suspended in the middle of moving a tag: what stood on
   * the older one, and stands on the newer one again, is put back by runs for keys that succeeded before.
   */
  readonly mayGoBack?: readonly string[];
}

/** What does not hold, one sentence each; empty when all does. */
export const judge = (evidence: Evidence, { mayGoBack = [] }: JudgeOptions = {}): Problem[] => {
  const stream = Object.values(evidence.streams)[0] ?? [];
  return [
    ...evidence.images.flatMap((image) => [
      ...contentProblems(image, evidence),
      ...generationProblems(image, evidence),
      ...(mayGoBack.includes(image.name) ? [] : backwardsProblems(image, evidence)),
    ]),
    ...streamProblems(evidence),
    ...runProblems(stream, mayGoBack),
    ...journalProblems(evidence, stream),
    ...attestationProblems(evidence),
  ];
};

const short = (digest: string): string => digest.slice('sha256:'.length, 'sha256:'.length + 12);

/** Each tag stands on what its bases carry now. */
const contentProblems = ({ name, repository, tags, proofs }: DeclaredImage, evidence: Evidence): Problem[] =>
  tags.flatMap((tag) => {
    const head = evidence.heads[`${repository}:${tag}`] ?? 'nothing';
    const files = evidence.contents[`${repository}@${head}`] ?? {};
    return Object.entries(proofs).flatMap(([path, base]): Problem[] => {
      const now = evidence.tokens[base]?.at(-1);
      if (files[path] === now) return [];
      const sentence = `${name}:${tag} (${head}) still stands on an old ${base}: its ${path} holds ${files[path]}, and ${base} carries ${now} now.`;
      return [{ check: 'content', sentence }];
    });
  });

/** Generation of each base in an image, counted from 0: what its proof files say. */
const generationsOf = (
  { repository, proofs }: DeclaredImage,
  digest: string,
  evidence: Evidence,
): [string, number][] => {
  const files = evidence.contents[`${repository}@${digest}`] ?? {};
  return Object.entries(proofs).map(([path, base]) => [base, (evidence.tokens[base] ?? []).indexOf(files[path] ?? '')]);
};

/** Every image that a tag was moved to is of one generation of each base, and for each generation there is one. */
const generationProblems = (image: DeclaredImage, evidence: Evidence): Problem[] => {
  const problems: Problem[] = [];
  const byGeneration = new Map<string, string>();
  for (const digest of new Set(movesOf(image, evidence).map((move) => move.digest))) {
    const generations = generationsOf(image, digest, evidence);
    const distinct = new Set(generations.map(([base, generation]) => `${base} ${generation}`));
    const text = [...distinct].join(', ');
    const isUnknown = generations.some(([, generation]) => generation < 0);
    if (isUnknown || distinct.size !== new Set(generations.map(([base]) => base)).size) {
      problems.push({
        check: 'generation',
        sentence: `${image.name}@${short(digest)} was published with a mixture of generations: ${text}.`,
      });
    }
    const other = byGeneration.get(text);
    if (other !== undefined) {
      problems.push({
        check: 'once',
        sentence: `${image.name} was built twice on ${text}: ${short(other)} and ${short(digest)} were both put by tag.`,
      });
    }
    byGeneration.set(text, digest);
  }
  return problems;
};

const movesOf = ({ repository }: DeclaredImage, { moves }: Evidence) =>
  moves.filter((move) => move.repository === repository && !isReferrersTag(move.tag));

/** No tag went from a newer generation to an older one. */
const backwardsProblems = (image: DeclaredImage, evidence: Evidence): Problem[] =>
  image.tags.flatMap((tag) => {
    const moves = movesOf(image, evidence).filter((move) => move.tag === tag);
    return moves.slice(1).flatMap(({ digest }, i): Problem[] => {
      const before = Object.fromEntries(generationsOf(image, moves[i]!.digest, evidence));
      const back = generationsOf(image, digest, evidence).find(
        ([base, generation]) => generation < (before[base] ?? 0),
      );
      if (!back) return [];
      const sentence = `${image.name}:${tag} went back from ${short(moves[i]!.digest)} to ${short(digest)}, which stands on an older ${back[0]}.`;
      return [{ check: 'backwards', sentence }];
    });
  });

/** Every process shows the same events, at 1, 2, 3 …, each id once. */
const streamProblems = ({ streams }: Evidence): Problem[] => {
  const problems: Problem[] = [];
  const add = (sentence: string): void => void problems.push({ check: 'stream', sentence });
  const [first, ...others] = Object.entries(streams);
  for (const [name, entries] of Object.entries(streams)) {
    for (const [i, { position }] of entries.entries()) {
      const expected = (entries[i - 1]?.position ?? 0) + 1;
      if (position > expected) add(`The event stream at ${name} has a gap: after ${expected - 1} comes ${position}.`);
      if (position < expected) add(`The event stream at ${name} goes back: after ${expected - 1} comes ${position}.`);
    }
    const ids = new Map<string, number>();
    for (const { id, position } of entries) {
      const other = ids.get(id);
      if (other !== undefined && other !== position)
        add(`Event ${id} is in the stream twice: at ${other} and at ${position}.`);
      ids.set(id, position);
    }
  }
  for (const [name, entries] of others) {
    const known = new Map(first![1].map((entry) => [entry.position, JSON.stringify(entry)]));
    for (const entry of entries) {
      if (known.get(entry.position) === JSON.stringify(entry)) continue;
      add(`The event stream forks: position ${entry.position} is another event at ${name} than at ${first![0]}.`);
    }
    if (entries.length !== first![1].length) {
      add(`The event stream has ${entries.length} events at ${name}, and ${first![1].length} at ${first![0]}.`);
    }
  }
  return problems;
};

interface Output {
  readonly reference: string;
  readonly digest: string;
}

/** What says how an image came about is there before a tag names the image. */
const attestationProblems = ({ images, moves }: Evidence): Problem[] =>
  images.flatMap(({ name, repository, tags }) =>
    moves.flatMap((move, at): Problem[] => {
      if (move.repository !== repository || !tags.includes(move.tag)) return [];
      const tag = referrersTag(move.digest);
      if (moves.slice(0, at).some((one) => one.repository === repository && one.tag === tag)) return [];
      const sentence = `${name}:${move.tag} was moved to ${short(move.digest)}, which had no provenance by then.`;
      return [{ check: 'provenance', sentence }];
    }),
  );

/** The two journals tell the same, and tags were only moved to digests that a run had pushed and written down. */
const journalProblems = (
  { images, moves, putsByTag, putsByDigest, heads }: Evidence,
  stream: readonly Entry[],
): Problem[] => {
  const problems: Problem[] = [];
  const built = new Set(
    stream
      .filter(({ type }) => type === 'run.built')
      .flatMap(({ data }) => data['outputs'] as Output[])
      .map(({ reference, digest }) => `${reference.slice(reference.indexOf('/') + 1)} ${digest}`),
  );
  for (const { name, repository, tags } of images) {
    for (const tag of tags) {
      const reference = `${repository}:${tag}`;
      const notified = moves.filter((move) => move.repository === repository && move.tag === tag);
      if (notified.length !== putsByTag[reference]) {
        const sentence = `The access log has ${putsByTag[reference] ?? 0} puts of ${reference}, the notifications have ${notified.length}.`;
        problems.push({ check: 'journal', sentence });
      }
      if (notified.at(-1)?.digest !== heads[reference]) {
        const sentence = `${reference} is at ${heads[reference]}, and was put last at ${notified.at(-1)?.digest}.`;
        problems.push({ check: 'journal', sentence });
      }
      for (const { digest } of notified) {
        if (!built.has(`${reference} ${digest}`)) {
          const sentence = `${name}:${tag} was moved to ${short(digest)}, which no run.built has.`;
          problems.push({ check: 'journal', sentence });
        }
        if (!putsByDigest.has(`${repository}@${digest}`)) {
          const sentence = `${name}:${tag} was moved to ${short(digest)}, which was never put by digest before.`;
          problems.push({ check: 'journal', sentence });
        }
      }
    }
  }
  return problems;
};
