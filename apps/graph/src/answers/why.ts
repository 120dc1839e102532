import type { Cause, Sentence } from '#libs/contracts';
import { familiar, moment, short } from '../reasons/reason.js';
import { explainCause } from '../reasons/index.js';
import type { RunFacts } from '../projection/run-book.js';
import { sentenceOf } from './state.js';

/** How far back an answer goes; a longer chain ends with a sentence that says so. */
const longest = 64;

const joined = (parts: readonly string[]): string =>
  parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join('; ')}; and ${parts.at(-1)}`;

const outcome = (run: RunFacts): string => {
  switch (run.status) {
    case 'Active':
      return 'is being built';
    case 'Succeeded':
      return 'was built';
    default:
      return 'was to be built';
  }
};

/**
 * Why a run exists, back to the change that began it: the first sentence is the answer, each following one is one
 * step nearer to the root.
 */
export const whyBuilt = (run: RunFacts, find: (id: string) => RunFacts | undefined): Sentence[] => {
  // A build without a task goes by what it pushed.
  const name = run.task ?? (run.outputs[0] ? familiar(run.outputs[0].reference) : 'An image');
  const first = sentenceOf(
    run.causes[0]!,
    `${name} ${outcome(run)} by run ${run.run} because ${joined(run.causes.map(explainCause))}.`,
  );
  const sentences = [first];
  const seen = new Set([run.run]);
  const open: Cause[] = [...run.causes];
  for (let cause = open.shift(); cause; cause = open.shift()) {
    if (cause.type !== 'BaseImageMoved' || cause.run === null || seen.has(cause.run)) continue;
    seen.add(cause.run);
    const before = find(cause.run);
    if (!before) continue;
    if (sentences.length >= longest) {
      sentences.push({ ...first, code: 'CHAIN_CUT', text: 'The chain goes on; ask for an earlier run.' });
      break;
    }
    const because = joined(before.causes.map(explainCause));
    sentences.push(
      sentenceOf(
        before.causes[0]!,
        `${familiar(cause.reference)} moved to ${short(cause.to)} because ${before.task ?? before.run} was built by run ${before.run}: ${because}.`,
      ),
    );
    open.push(...before.causes);
  }
  return sentences;
};

/** For an image that no run of ours pushed. */
export const whyMoved = (reference: string, digest: string, at: string, how: string): Sentence => ({
  code: 'MOVED_OUTSIDE',
  text: `${familiar(reference)} is at ${short(digest)} since ${moment(at)}; ${how}.`,
  reference,
  from: null,
  to: digest,
  at,
});
