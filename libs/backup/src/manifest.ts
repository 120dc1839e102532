import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PlinthError } from '#libs/contracts';

/** What JetStream says of a stream, as its own backups hold it: handed back unchanged when it is restored. */
const serverObject = z.record(z.string(), z.unknown());

const streamEntrySchema = z.object({
  name: z.string(),
  /** Where its messages are; null for a stream that is made anew, empty. */
  file: z.string().nullable(),
  sha256: z.string(),
  bytes: z.number().int(),
  config: serverObject,
  state: serverObject,
});
export type StreamEntry = z.infer<typeof streamEntrySchema>;

const manifestSchema = z.object({
  format: z.literal('plinth-backup'),
  version: z.literal(1),
  createdAt: z.string(),
  /** Position of the last event in it. */
  position: z.number().int(),
  /** In the order in which they are restored. */
  streams: z.array(streamEntrySchema),
  /** Digest of the file with the keys that seal secrets, where it is part of the backup. */
  key: z.object({ file: z.string(), sha256: z.string(), bytes: z.number().int() }).nullable(),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const manifestFile = 'manifest.json';

const digestOf = (manifest: unknown): string => createHash('sha256').update(JSON.stringify(manifest)).digest('hex');

export const writeManifest = (manifest: Manifest): string =>
  `${JSON.stringify({ sha256: digestOf(manifest), manifest }, undefined, 2)}\n`;

export const backupInvalid = (what: string): PlinthError =>
  new PlinthError('FAILED_PRECONDITION', `The backup cannot be used: ${what}. Nothing was changed.`);

/** @throws PlinthError FAILED_PRECONDITION for a manifest that is damaged, or of another version */
export const readManifest = (text: string): Manifest => {
  let outer: { sha256?: unknown; manifest?: unknown };
  try {
    outer = JSON.parse(text) as typeof outer;
  } catch {
    throw backupInvalid(`${manifestFile} is not JSON`);
  }
  const { version } = (outer.manifest ?? {}) as { version?: unknown };
  if (typeof version === 'number' && version > 1) {
    throw backupInvalid(`it is of version ${version}, written by a newer Plinth; restore it with that one`);
  }
  if (outer.sha256 !== digestOf(outer.manifest)) throw backupInvalid(`${manifestFile} was changed or is damaged`);
  const parsed = manifestSchema.safeParse(outer.manifest);
  if (!parsed.success) throw backupInvalid(`${manifestFile} is none of a backup of Plinth`);
  return parsed.data;
};
