import type { Cause, UsedInput } from '#libs/contracts';
import { isContextError, parseContextPath, type ContextPath } from '#libs/context';
import type { BuiltRun, QueuedRun } from '#libs/domain';
import { parseReference, repositoryName } from '#libs/oci';

/** What is told of one attempt that made an image. */
export interface Attested {
  readonly queued: QueuedRun;
  readonly attempt: number;
  /** How the image came about: the name of the strategy. */
  readonly strategy: string;
  readonly built: BuiltRun;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** Who made it. */
export interface AttestingBuilder {
  readonly pool: string;
  readonly id: string;
  readonly engine: string;
  readonly isolation: string;
}

type DigestSet = Readonly<Record<string, string>>;

/** in-toto's ResourceDescriptor (in-toto/attestation, spec/v1/resource_descriptor.md), as much as is used here. */
interface Resource {
  readonly name?: string;
  readonly uri?: string;
  readonly digest: DigestSet;
  readonly annotations?: Readonly<Record<string, unknown>>;
}

/** An in-toto Statement v1 with a SLSA provenance v1 predicate (slsa.dev/spec/v1.0/provenance). */
export interface ProvenanceStatement {
  readonly _type: typeof statementType;
  readonly subject: readonly Resource[];
  readonly predicateType: typeof predicateType;
  readonly predicate: {
    readonly buildDefinition: {
      readonly buildType: string;
      readonly externalParameters: Readonly<Record<string, unknown>>;
      readonly internalParameters: Readonly<Record<string, unknown>>;
      readonly resolvedDependencies: readonly Resource[];
    };
    readonly runDetails: {
      readonly builder: { readonly id: string };
      readonly metadata: { readonly invocationId: string; readonly startedOn: string; readonly finishedOn: string };
    };
  };
}

export const statementType = 'https://in-toto.io/Statement/v1';
export const predicateType = 'https://slsa.dev/provenance/v1';

/** What `externalParameters` and `internalParameters` mean is told in docs/provenance.md. */
const buildTypeOf = (strategy: string): string => `https://plinth.dev/${strategy}/v1`;

/**
 * The provenance of the images of one repository: every input with its digest and role, the source, and why the run
 * exists. Names of secret arguments are in it, values never.
 * @param repository `host/repository`, one of those of the run's outputs
 */
export const statementOf = (repository: string, of: Attested, builder: AttestingBuilder): ProvenanceStatement => {
  const { queued, attempt, built } = of;
  const { definition, run } = queued;
  const { step } = definition;
  const outputs = built.outputs.filter(({ reference }) => repositoryName(parseReference(reference)) === repository);
  const [plain, secret] = [step.arguments.filter((one) => !isHidden(one)), step.arguments.filter(isHidden)];
  return {
    _type: statementType,
    subject: subjectsOf(repository, outputs),
    predicateType,
    predicate: {
      buildDefinition: {
        buildType: buildTypeOf(of.strategy),
        externalParameters: {
          source: sourceUri(step.contextPath),
          dockerfile: step.dockerFilePath,
          ...(step.target !== undefined && { target: step.target }),
          platforms: definition.platforms,
          arguments: Object.fromEntries(plain.map(({ name, value }) => [name, value ?? ''])),
          secretArguments: secret.map(({ name }) => name),
          noCache: step.noCache,
          images: outputs.map(({ reference }) => reference),
        },
        internalParameters: {
          task: queued.task,
          team: definition.team,
          definitionHash: queued.definitionHash,
          inputKey: queued.key,
          causes: queued.causes satisfies readonly Cause[],
          engine: builder.engine,
          isolation: builder.isolation,
          builder: builder.id,
        },
        resolvedDependencies: [...sourceOf(step.contextPath, built.sourceRevision), ...built.inputs.map(imageOf)],
      },
      runDetails: {
        builder: { id: `urn:plinth:pool:${builder.pool}` },
        metadata: {
          invocationId: `${run}/${attempt}`,
          startedOn: of.startedAt.toISOString(),
          finishedOn: of.finishedAt.toISOString(),
        },
      },
    },
  };
};

const isHidden = ({ isSecret, secretRef }: { isSecret: boolean; secretRef?: string | undefined }): boolean =>
  isSecret || secretRef !== undefined;

/** What the tags name, and the image of each platform below it: whoever has pulled one of them finds it here. */
const subjectsOf = (repository: string, outputs: BuiltRun['outputs']): Resource[] => {
  const subjects = new Map<string, Resource>();
  for (const { digest, platforms } of outputs) {
    subjects.set(digest, { name: repository, digest: digestSet(digest) });
    for (const [platform, child] of Object.entries(platforms)) {
      if (subjects.has(child)) continue;
      subjects.set(child, { name: repository, digest: digestSet(child), annotations: { platform } });
    }
  }
  return [...subjects.values()];
};

const imageOf = ({ reference, role, via, digest, platforms }: UsedInput): Resource => ({
  name: reference,
  uri: packageUrl(reference, digest),
  digest: digestSet(digest),
  annotations: { role, via, platforms },
});

/** A package URL of type `oci` (package-url/purl-spec, types/oci). */
const packageUrl = (reference: string, digest: string): string => {
  const parsed = parseReference(reference);
  const name = parsed.repository.split('/').at(-1) ?? '';
  const tag = parsed.tag === undefined ? '' : `&tag=${encodeURIComponent(parsed.tag)}`;
  return `pkg:oci/${name}@${encodeURIComponent(digest)}?repository_url=${repositoryName(parsed)}${tag}`;
};

const sourceOf = (contextPath: string, revision: string | null): Resource[] => {
  if (revision === null) return [];
  const digest = revision.includes(':') ? digestSet(revision) : { gitCommit: revision };
  return [{ name: 'source', uri: sourceUri(contextPath), digest, annotations: { role: 'source' } }];
};

/** The address of the source in SPDX's form; without a query, which may be a signature. */
const sourceUri = (contextPath: string): string => {
  const path = parsed(contextPath);
  if (path?.kind !== 'git') return contextPath.replace(/\?.*$/s, '');
  const ref = path.ref === null ? '' : `@${path.ref}`;
  return `git+${path.url}${ref}${path.folder === null ? '' : `#${path.folder}`}`;
};

const parsed = (contextPath: string): ContextPath | undefined => {
  try {
    return parseContextPath(contextPath);
  } catch (error) {
    if (isContextError(error)) return undefined;
    throw error;
  }
};

const digestSet = (digest: string): DigestSet => {
  const [algorithm = '', hex = ''] = digest.split(':');
  return { [algorithm]: hex };
};
