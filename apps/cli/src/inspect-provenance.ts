import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseDigest, type ImageManifest, type Reference, type RegistryClient } from '#libs/oci';
import {
  artifactTypes,
  contentOf,
  readProvenance,
  type ProvenanceStatement,
  readPublicKey,
  SigningKeyError,
  UnreadableProvenance,
} from '#libs/provenance';
import { exitCodes } from '#libs/contracts/light';
import { CliError, usageError } from './errors.js';
import { imageReference, openRegistries, registryProblem } from './registries.js';
import type { RegistryOptions } from './registry-options.js';
import type { Session } from './session.js';

export interface ProvenanceQuestion extends RegistryOptions {
  /** Path of a public key in PEM. */
  readonly key?: string;
}

export interface FoundProvenance {
  /** Digest of the artifact. */
  readonly digest: string;
  readonly signedBy: readonly string[];
  /** Undefined when no key was given. */
  readonly isVerified?: boolean;
  readonly statement: ProvenanceStatement;
}

export interface ProvenanceAnswer {
  readonly image: string;
  /** Digest of what the reference names. */
  readonly digest: string;
  /** The newest first. */
  readonly provenance: readonly FoundProvenance[];
}

/** Statements are small; a registry that sends more than this is not listened to. */
const largestContent = 8 * 1024 * 1024;

/**
 * What was written down of how an image came about, newest first; with a key, whether it signed that.
 * @throws CliError when the image is not there, has no provenance, or none of it is signed by the key
 */
export const inspectProvenance = async (
  session: Session,
  image: string,
  question: ProvenanceQuestion,
): Promise<ProvenanceAnswer> => {
  const reference = imageReference(image, '<image>');
  const publicKey = await keyOf(session, question.key);
  const client = await openRegistries(session, question, [reference.registry]);
  try {
    const { digest } = await client.getManifest(reference, { signal: session.io.interrupted });
    const provenance = await readAll(client, { ...reference, digest }, publicKey, session);
    if (provenance.length === 0) {
      throw new CliError(`${image} (${digest}) has no provenance of Plinth.`, exitCodes.notFound, 'plinth why IMAGE');
    }
    // A statement about other images could have been hung on this one.
    const about = provenance.filter(({ statement }) => isAbout(statement, digest));
    if (about.length === 0) {
      throw new CliError(`The provenance at ${image} is about other images than ${digest}.`, exitCodes.failure);
    }
    if (publicKey && !about.some(({ isVerified }) => isVerified)) {
      throw new CliError(
        `${image}: ${about.length} found, none of it is signed by ${question.key}.`,
        exitCodes.failure,
        'without --key it is shown as it is, believed by nobody',
      );
    }
    return { image, digest, provenance: about };
  } catch (error) {
    throw registryProblem(error);
  } finally {
    await client.close();
  }
};

const keyOf = async (
  { io }: Session,
  file: string | undefined,
): Promise<ReturnType<typeof readPublicKey> | undefined> => {
  if (file === undefined) return undefined;
  const path = resolve(io.cwd, file);
  try {
    return readPublicKey(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof SigningKeyError) throw usageError(`--key ${file}: ${error.message}`);
    throw usageError(`--key: ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
};

const readAll = async (
  client: RegistryClient,
  image: Reference & { readonly digest: NonNullable<Reference['digest']> },
  publicKey: ReturnType<typeof readPublicKey> | undefined,
  { io, printer }: Session,
): Promise<FoundProvenance[]> => {
  const { registry, repository } = image;
  const signal = io.interrupted;
  const found: FoundProvenance[] = [];
  for (const { digest, artifactType } of await client.referrers(image, image.digest, undefined, { signal })) {
    if (!artifactTypes.includes(artifactType ?? '')) continue;
    const { manifest } = await client.getManifest({ registry, repository, digest: parseDigest(digest) }, { signal });
    try {
      const content = contentOf(manifest as ImageManifest);
      const bytes = await client.getBlobBytes(image, content, largestContent, { signal });
      const { statement, signedBy, isVerified } = readProvenance(bytes, publicKey);
      found.push({ digest, signedBy, ...(isVerified !== undefined && { isVerified }), statement });
    } catch (error) {
      if (!(error instanceof UnreadableProvenance)) throw error;
      printer.note(`${digest} is left out: ${error.message}.`);
    }
  }
  return found.sort((a, b) => finishedOn(b).localeCompare(finishedOn(a)));
};

const finishedOn = ({ statement }: FoundProvenance): string =>
  statement.predicate.runDetails.metadata?.finishedOn ?? '';

const isAbout = ({ subject }: ProvenanceStatement, digest: string): boolean => {
  const [algorithm = '', hex = ''] = digest.split(':');
  return subject.some((one) => one.digest?.[algorithm] === hex);
};
