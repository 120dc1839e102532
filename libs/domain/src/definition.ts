import { createHash } from 'node:crypto';
import type { TaskDefinition } from '#libs/contracts';

/** JSON with sorted keys and without absent fields: equal values give equal text. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, field: unknown) =>
    field !== null && typeof field === 'object' && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );

/** First 32 hexadecimal characters of the SHA-256 of the canonical JSON: enough to never meet a second time. */
export const hashOf = (value: unknown): string =>
  createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 32);

/**
 * Hash of what a task builds: context, file, target, arguments, platforms and image names. Triggers, status, timeout
 * and pool are left out: changing them makes nothing stale. A secret argument counts by where it is, never by value.
 */
export const definitionHash = ({ step, platforms }: Pick<TaskDefinition, 'step' | 'platforms'>): string =>
  hashOf({
    type: step.type,
    contextPath: step.contextPath,
    dockerFilePath: step.dockerFilePath,
    target: step.target,
    arguments: step.arguments.map(({ name, value, secretRef }) => ({ name, value, secretRef })),
    imageNames: step.isPushEnabled ? step.imageNames : [],
    platforms: [...platforms].sort(),
  });
