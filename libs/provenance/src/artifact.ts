import type { KeyObject } from 'node:crypto';
import { type Digest, digestOf, type ImageManifest, isImageManifestType, mediaTypes } from '#libs/oci';
import { type Envelope, isSealedBy, seal } from './envelope.js';
import { predicateType, type ProvenanceStatement } from './statement.js';

/** What provenance is to a registry: a manifest whose one layer is the statement, or the envelope around it. */
export interface Artifact {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly blobs: readonly { readonly digest: Digest; readonly bytes: Uint8Array }[];
}

/** The image that it is about, as its descriptor says it. */
export interface Subject {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const statementMedia = 'application/vnd.in-toto+json';
const envelopeMedia = 'application/vnd.dsse.envelope.v1+json';
/** The artifact types under which provenance is found among the referrers of an image. */
export const artifactTypes: readonly string[] = [statementMedia, envelopeMedia];

const emptyConfig = Buffer.from('{}');

/**
 * Packs a statement, as JSON text, for the registry (OCI image-spec, "Guidelines for artifact usage"); with a key, signed
 * and in a DSSE envelope.
 */
export const packArtifact = (statement: string, subject: Subject, created: Date, key?: KeyObject): Artifact => {
  const payload = Buffer.from(statement);
  const layerType = key ? envelopeMedia : statementMedia;
  const content = key ? Buffer.from(JSON.stringify(seal(statementMedia, payload, key))) : payload;
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      artifactType: layerType,
      config: { mediaType: mediaTypes.ociEmpty, digest: digestOf(emptyConfig), size: emptyConfig.length },
      layers: [{ mediaType: layerType, digest: digestOf(content), size: content.length }],
      subject,
      annotations: {
        'in-toto.io/predicate-type': predicateType,
        'org.opencontainers.image.created': created.toISOString(),
      },
    }),
  );
  const blobs = [emptyConfig, content].map((blob) => ({ digest: digestOf(blob), bytes: blob }));
  return { bytes, mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), blobs };
};

/** Somebody's artifact that is no provenance, or not in a form that is read here. */
export class UnreadableProvenance extends Error {
  override readonly name = 'UnreadableProvenance';
}

export interface ReadProvenance {
  readonly statement: ProvenanceStatement;
  /** Key ids of the signatures; empty when it is not signed. */
  readonly signedBy: readonly string[];
  /** Whether one of the signatures is of the key that was given; undefined without a key. */
  readonly isVerified: boolean | undefined;
}

/** Digest of the one blob that has the statement. @throws UnreadableProvenance */
export const contentOf = (manifest: ImageManifest): Digest => {
  const [layer, ...others] = manifest.layers;
  if (!layer || others.length > 0 || !isImageManifestType(manifest.mediaType)) {
    throw new UnreadableProvenance(`it has ${manifest.layers.length} layers, where provenance has one`);
  }
  return layer.digest;
};

/**
 * Reads the blob of an artifact. What an envelope says is said by whoever signed it: pass the public key that you trust.
 * @throws UnreadableProvenance
 */
export const readProvenance = (content: Uint8Array, publicKey?: KeyObject): ReadProvenance => {
  const outer = parse(Buffer.from(content).toString('utf8'));
  const envelope = isEnvelope(outer) ? outer : undefined;
  if (envelope && envelope.payloadType !== statementMedia) {
    throw new UnreadableProvenance(`it is an envelope around ${envelope.payloadType}, where ${statementMedia} is read`);
  }
  const statement = envelope ? parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) : outer;
  if (!isStatement(statement)) throw new UnreadableProvenance(`it is no statement of the type ${predicateType}`);
  return {
    statement,
    signedBy: envelope?.signatures.map(({ keyid }) => keyid) ?? [],
    isVerified: publicKey && (envelope ? isSealedBy(envelope, publicKey) : false),
  };
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnreadableProvenance('it is no JSON', { cause });
  }
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isEnvelope = (value: unknown): value is Envelope =>
  isRecord(value) &&
  typeof value['payloadType'] === 'string' &&
  typeof value['payload'] === 'string' &&
  Array.isArray(value['signatures']) &&
  value['signatures'].every((one) => isRecord(one) && typeof one['sig'] === 'string');

const isStatement = (value: unknown): value is ProvenanceStatement => {
  if (!isRecord(value) || value['predicateType'] !== predicateType || !Array.isArray(value['subject'])) return false;
  const { predicate } = value;
  if (!isRecord(predicate) || !isRecord(predicate['runDetails'])) return false;
  const definition = predicate['buildDefinition'];
  return (
    isRecord(definition) &&
    typeof definition['buildType'] === 'string' &&
    Array.isArray(definition['resolvedDependencies'])
  );
};
