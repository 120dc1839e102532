import { stripVTControlCharacters } from 'node:util';

// oxlint-disable-next-line no-control-regex -- escape sequences are what it finds
const colours = /(\u001b\[[\d;:]*m)/;

/**
 * Text that may go to a terminal. Much of it is from elsewhere (output of builds, words of registries, labels of
 * images): lines, tabs and colours stay; what moves the cursor, sets titles or fills the clipboard does not.
 */
export const harmless = (text: string): string =>
  text
    .split(colours)
    .map((part, index) => (index % 2 === 1 ? part : withoutControls(part)))
    .join('');

const withoutControls = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/\r+(?=\n|$)/g, '')
    .replaceAll(/[^\P{Cc}\n\t]+/gu, ' ');
