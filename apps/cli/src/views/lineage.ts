import { explainLineage, type Lineage, type OwnedLayer, type PlatformLineage } from '#libs/lineage';
import { statusColour } from '../output/colour.js';
import { cell, tableLines, type Column } from '../output/table.js';
import { familiar, shortDigest } from '../output/words.js';

const layerColumns: readonly Column<OwnedLayer>[] = [
  { title: 'layer', value: ({ digest }) => shortDigest(digest) },
  { title: 'bytes', value: ({ size }) => size },
  { title: 'from', value: ({ of }) => (of === null ? 'the image itself, or not known' : familiar(of)) },
];

/** What an image stands on, for people: the answer first, platform by platform, then how it is known. */
export const lineageLines = (
  lineage: Lineage,
  { colour, wide }: { readonly colour: boolean; readonly wide: boolean },
): string[] =>
  explainLineage(lineage).flatMap(({ platform, sentences: [first = '', ...others] }, at) => {
    const one: PlatformLineage | undefined = lineage.platforms[at];
    const status = one === undefined ? '' : colour ? statusColour(one.status) : one.status;
    return [
      `${platform}  ${status}  ${cell(first)}`,
      ...others.map((sentence) => `  ${cell(sentence)}`),
      ...(wide && one ? tableLines(one.layers, layerColumns, { wide }).map((line) => `  ${line}`) : []),
    ];
  });
