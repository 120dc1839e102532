import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installation } from './settings/files.js';

/** The product's version, as package.json says it. */
export const version = (): string => {
  const { version: text } = JSON.parse(readFileSync(join(installation(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return text;
};
