import { isRegistryError, parseReference, repositoryName } from '#libs/oci';
import {
  type Artifact,
  type Attested,
  type AttestingBuilder,
  packArtifact,
  readSigningKey,
  SigningKeyError,
  statementOf,
} from '#libs/provenance';
import type { ImageRegistry, ManifestBytes, SecretRedactor, Secrets } from '../ports.js';
import { BuildFailure } from '../work/failure.js';

export interface AttestorOptions {
  readonly registry: Pick<ImageRegistry, 'manifest' | 'attach'>;
  readonly secrets: Secrets;
  readonly redactor: SecretRedactor;
  readonly builder: AttestingBuilder;
  /** `attach`: a registry that takes no such manifest is let off; `require`: the run fails then. */
  readonly mode: 'attach' | 'require' | 'off';
  /** Where the key is that signs; without it the statement stands by itself. */
  readonly signingKey?: string | undefined;
}

/**
 * Writes down how an image came about, and hangs it on the image as a referrer, before any tag moves: who finds an
 * image by its tag finds its provenance.
 */
export class Attestor {
  constructor(private readonly options: AttestorOptions) {}

  /** What keeps it from signing, in words; undefined when nothing does. */
  async problem(): Promise<string | undefined> {
    try {
      await this.#key();
      return undefined;
    } catch (error) {
      return `Provenance cannot be signed: ${(error as Error).message}`;
    }
  }

  /**
   * Attaches one statement in each repository of the run's outputs.
   * @throws BuildFailure when the registry refuses it and it is required; RegistryError; what keeps the key from being read
   */
  async attach(of: Attested, log: { say(text: string): void }, signal?: AbortSignal): Promise<void> {
    if (this.options.mode === 'off') return;
    const images = new Map<string, string>();
    for (const { reference, digest } of of.built.outputs) {
      images.set(repositoryName(parseReference(reference)), digest);
    }
    for (const [repository, digest] of images) {
      const image = await this.options.registry.manifest(`${repository}@${digest}`, signal);
      const { artifact, isSigned } = await this.#artifact(repository, image, of);
      try {
        await this.options.registry.attach(repository, artifact, artifact.blobs, signal);
      } catch (error) {
        if (!isRegistryError(error, 'REJECTED', 'UNSUPPORTED_MANIFEST', 'NOT_FOUND')) throw error;
        const why = `${repository} takes no provenance beside its images: ${error.message}`;
        if (this.options.mode === 'attach') log.say(`${why} The run goes on without it.`);
        else throw new BuildFailure('ACCESS_DENIED', `${why} Here PLINTH_PROVENANCE=require.`, { cause: error });
        continue;
      }
      log.say(`Attached the provenance ${repository}@${artifact.digest}, ${isSigned ? 'signed' : 'not signed'}.`);
    }
  }

  async #artifact(
    repository: string,
    image: ManifestBytes,
    of: Attested,
  ): Promise<{ artifact: Artifact; isSigned: boolean }> {
    const statement = statementOf(repository, of, this.options.builder);
    // Beside the reasons that keep secrets out of it: a registry is read by more people than a run.
    const clean = (_: string, value: unknown): unknown =>
      typeof value === 'string' ? this.options.redactor.redact(value) : value;
    const subject = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length };
    const key = await this.#key();
    const artifact = packArtifact(JSON.stringify(statement, clean), subject, of.finishedAt, key);
    return { artifact, isSigned: key !== undefined };
  }

  /** Opened each time: a key that was replaced is used from then on, and none stays in memory. */
  async #key(): Promise<ReturnType<typeof readSigningKey> | undefined> {
    const { signingKey, secrets, redactor, mode } = this.options;
    if (signingKey === undefined || mode === 'off') return undefined;
    const pem = await secrets.open(signingKey);
    redactor.add(pem);
    try {
      return readSigningKey(pem);
    } catch (error) {
      if (!(error instanceof SigningKeyError)) throw error;
      throw new Error(`PLINTH_SIGNING_KEY (${signingKey}): ${error.message}`, { cause: error });
    }
  }
}
