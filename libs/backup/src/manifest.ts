import { createHash } from 'node:crypto';
import { z } from 'zod';
import { buckets, PlinthError, streams } from '#libs/contracts';

/** What JetStream says of a stream, as its own backups hold it: handed back unchanged when it is restored. */
const serverObject = z.record(z.string(), z.unknown());

/** Made anew when restored: what was dispatched follows from the log, and leases are of processes that are gone. */
export const remade: readonly string[] = [streams.dispatch, `KV_${buckets.leases}`];

/** Everything that Plinth keeps in JetStream, by its streams' names. */
export const plinthStreams: readonly string[] = [
  ...Object.values(streams),
  ...Object.values(buckets).flatMap((bucket) => [`OBJ_${bucket}`, `KV_${bucket}`]),
];

export const keyName = 'plinth.key';
/** Where the messages of a stream are. */
export const messagesFile = (stream: string): string => `${stream}/stream.tar.s2`;

/**
 * Whoever hands a backup over can write what they like into its manifest: it names streams of Plinth alone, and files of
 * the backup alone.
 */
const streamEntrySchema = z
  .object({
    name: z.enum(plinthStreams),
    /** Where its messages are; null for a stream that is made anew, empty. */
    file: z.string().nullable(),
    sha256: z.string(),
    bytes: z.number().int(),
    config: serverObject,
    state: serverObject,
  })
  .refine(({ name, config }) => config['name'] === name)
  .refine(({ name, file }) => (file === null ? remade.includes(name) : file === messagesFile(name)));
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
  key: z.object({ file: z.literal(keyName), sha256: z.string(), bytes: z.number().int() }).nullable(),
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
