import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '#libs/testing';

/** Messages that a page quotes: lines of `> ` with code, in which `…` stands for what differs. */
export const quotedMessages = (markdown: string): string[] =>
  [...markdown.matchAll(/^> (`+)(.+)\1$/gm)].map(([, , message = '']) => message.trim());

/** The sources with texts that were broken into several joined, so that a sentence is found whole. */
export const sources = (): string[] =>
  globSync(['{apps,libs}/*/src/**/*.ts', 'deploy/*.mjs'], { cwd: repositoryRoot, exclude: ['**/*.spec.ts'] }).map(
    (file) =>
      readFileSync(join(repositoryRoot, file), 'utf8')
        .replaceAll(/['"`]\s*\+\s*['"`]/g, '')
        .replaceAll(/\\(['"`])/g, '$1'),
  );

/** Whether some source says this: its parts in their order, with something computed between them. */
export const isSaid = (message: string, texts: readonly string[]): boolean => {
  const parts = message.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(parts.join('(?:\\$\\{[\\s\\S]{1,200}?\\}|[^\\n`\'"]{0,200})'));
  return texts.some((text) => pattern.test(text));
};
