import { Redactor } from '../redactor.js';

/** A text that names a path, without the key that stands at the end of an address for notifications. */
export const shownPath = (text: string): string =>
  text.replace(/(\/v1\/hooks\/[^/?#\s]+\/[^/?#\s]+\/)[^?#\s'"]+/g, `$1${Redactor.mark}`);
