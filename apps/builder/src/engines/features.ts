import type { EngineFeature } from './engine.js';

const patterns: readonly (readonly [EngineFeature, RegExp])[] = [
  ['heredoc', /^(?:RUN|COPY|ADD)\s.*<<-?(?:[A-Za-z_]|"[A-Za-z_]|'[A-Za-z_])/i],
  ['copy-link', /^(?:COPY|ADD)\s+(?:--\S+\s+)*--link\b/i],
  ['copy-parents', /^COPY\s+(?:--\S+\s+)*--(?:parents|exclude)\b/i],
  ['add-checksum', /^ADD\s+(?:--\S+\s+)*--checksum=/i],
];

/** How people know a feature. */
export const featureNames: Readonly<Record<EngineFeature, string>> = {
  heredoc: 'heredocs (RUN <<EOF)',
  'copy-link': 'COPY --link',
  'copy-parents': 'COPY --parents or --exclude',
  'add-checksum': 'ADD --checksum',
  'multi-platform': 'several platforms in one build',
};

/** The features that a Dockerfile needs and that some engines lack. */
export function requiredFeatures(dockerfile: string): EngineFeature[] {
  const instructions = dockerfile
    .replace(/^\s*#.*$/gm, '')
    .replace(/\\[ \t]*\r?\n/g, ' ')
    .split(/\r?\n/)
    .map((line) => line.trim());
  return patterns.filter(([, pattern]) => instructions.some((line) => pattern.test(line))).map(([feature]) => feature);
}
