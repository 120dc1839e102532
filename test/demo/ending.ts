/** What the demo shows at its end: the check, and the sentence that says why. */
import type { Moved } from './acts.js';
import { declaration, referenceOf } from './graph.js';
import { seconds, type Screen } from './screen.js';
import type { Stage } from './stage.js';
import { verify, type Verdict } from './verify.js';

/** Marker that ends the journals. */
const endMarker = 'end';

/** Runs the check that knows nothing of Plinth, and shows what it found. */
export const check = async (
  { registries, bases }: Stage,
  screen: Screen,
  moves: readonly Moved[],
  first: ReadonlyMap<string, string>,
): Promise<Verdict> => {
  await Promise.all([registries.company.mark(endMarker), registries.public.mark(endMarker)]);
  const tokens = Object.fromEntries(
    [...bases].map(([name, { token }]) => [name, { first: first.get(name) ?? '', now: token }]),
  );
  const verdict = await verify({ declaration, registries, moves, tokens });
  showBuilds(screen, moves, verdict);
  const { problems, filesRead, builds } = verdict;
  const counted = sum(builds.flatMap(({ counts }) => counts.map(([built]) => built)));
  const minimum = sum(builds.flatMap(({ counts }) => counts.map(([, least]) => least)));
  const lines = {
    content: `${filesRead} files in ${builds.length} images, read layer by layer, hold the token that they must; archive still holds the old one.`,
    order: 'Nothing was pushed before what it stands on, says the journal of the registry.',
    count: `${counted} builds; for this graph the minimum is ${minimum}.`,
  };
  screen.say();
  for (const [name, holds] of Object.entries(lines)) {
    const broken = problems.filter((problem) => problem.check === name);
    if (broken.length === 0) screen.say(`  ${screen.paint('green', '✔')} ${holds}`);
    for (const { sentence } of broken) screen.say(`  ${screen.paint(['red', 'bold'], '✘')} ${sentence}`);
  }
  screen.say();
  for (const { base, noticed, firstRun, lastImage } of moves) {
    const times = `noticed +${seconds(noticed)} → first run +${seconds(firstRun)} → last image +${seconds(lastImage)}`;
    screen.say(`  ${base.padEnd(10)} pushed → ${times}`);
  }
  return verdict;
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

const showBuilds = (screen: Screen, moves: readonly Moved[], { builds }: Verdict): void => {
  const column = (text: string): string => text.padEnd(24);
  const heads = moves.map(({ base }) => column(`after ${base} moved`)).join('');
  screen.say(screen.paint('dim', `  ${'image'.padEnd(12)}${heads}(builds in the journal / minimum)`));
  for (const { image, counts } of builds) {
    const cells = counts.map(([counted, minimum]) => {
      const text = column(`${counted} / ${minimum}`);
      return counted === minimum ? text : screen.paint('red', text);
    });
    screen.say(`  ${image.padEnd(12)}${cells.join('')}`.trimEnd());
  }
};

/**
 * The last screen: why the join image was rebuilt, in Plinth's words, back to the push that began it. Answers whether
 * they lead back to the base.
 */
export const explain = async ({ plinth: { client }, hosts }: Stage, screen: Screen): Promise<boolean> => {
  const { sentences } = await client.explain({ reference: referenceOf('join', hosts) });
  for (const [i, { text }] of sentences.entries()) {
    for (const line of wrapped(text)) screen.say(`  ${screen.paint(i === 0 ? 'bold' : 'dim', line)}`);
  }
  return sentences.some(({ reference }) => reference === referenceOf('base', hosts));
};

/** Lines of at most this many characters, broken between words. */
const wrapped = (text: string, width = 110): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '  ';
    }
    line += line.trim() === '' ? word : ` ${word}`;
  }
  return [...lines, line];
};
