import { z } from 'zod';
import { InvalidReferenceError, parseReference, repositoryName } from '#libs/oci';
import { contextAllow } from '#libs/context';

const units: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const sizePattern = /^(0|[0-9]+(\.[0-9]+)?[KMGT]B)$/;
const bytesOf = (text: string): number => Math.round(parseFloat(text) * (units[text.at(-2) ?? ''] ?? 1));

/** Bytes, as `4GB`; 0 is without limit. */
const size = z
  .string()
  .regex(sizePattern, 'expected a size like 4GB, or 0 for no limit')
  .transform((text) => bytesOf(text) || undefined);

/** A canonical name of a repository, with its registry. */
const isRepository = (text: string): boolean => {
  try {
    return repositoryName(parseReference(text)) === text;
  } catch (error) {
    if (error instanceof InvalidReferenceError) return false;
    throw error;
  }
};

/** What the builder reads from the environment beside what every service reads. */
export const builderConfigSchema = z.object({
  PLINTH_ENGINE: z
    .enum(['docker', 'buildkit', 'buildah'])
    .default('docker')
    .describe(
      'Engine of this builder: docker (BuildKit inside dockerd), buildkit (buildctl and buildkitd) or buildah.',
    ),
  PLINTH_DOCKER_HOST: z
    .string()
    .regex(/^(unix|tcp):\/\/.+/, 'expected unix:///path or tcp://host:port')
    .optional()
    .describe('An existing Docker daemon with the containerd image store; without it the builder runs its own.'),
  PLINTH_BUILDKIT_HOST: z
    .string()
    .regex(/^(unix|tcp):\/\/.+/, 'expected unix:///path or tcp://host:port')
    .optional()
    .describe('An existing buildkitd; without it the builder runs its own.'),
  PLINTH_BUILDKIT_TLS: z
    .string()
    .min(1)
    .optional()
    .describe('Folder of ca.pem, cert.pem and key.pem, for a buildkitd at tcp:// that wants TLS.'),
  PLINTH_ISOLATION: z
    .enum(['vm', 'userns', 'oci', 'chroot'])
    .default('oci')
    .describe(
      'How build steps are kept from the host. Of buildah: oci or chroot, which shares the processes and network of the host. ' +
        'Of a daemon that somebody else runs: what its owner says, vm, userns (rootless) or oci.',
    ),
  PLINTH_TRUSTED: z
    .enum(['yes', 'no'])
    .default('no')
    .describe('Whether all who have builds run here may do anything on this machine; chroot is used only then.'),
  PLINTH_CONTEXT_ALLOW: contextAllow,
  PLINTH_BUILD_NETWORK: z
    .enum(['none', 'host', 'default'])
    .default('default')
    .describe('What build steps reach: none, host, or what the engine gives by default.'),
  PLINTH_BUILD_CACHE: z
    .string()
    .regex(/^[0-9]+(\.[0-9]+)?[KMGT]B$/, 'expected a size like 20GB')
    .default('20GB')
    .describe('Build cache that the own Docker daemon keeps.'),
  PLINTH_BASE_LAYERS: z
    .string()
    .regex(sizePattern, 'expected a size like 5GB, or 0 to keep none')
    .default('5GB')
    .transform(bytesOf)
    .describe(
      'Layers of bases that are kept, so that engines need not hand them over again with each image; 0 for none.',
    ),
  PLINTH_PROVENANCE: z
    .enum(['attach', 'require', 'off'])
    .default('attach')
    .describe('Provenance beside each image: attach, require (a registry that refuses it fails the run), or off.'),
  PLINTH_SIGNING_KEY: z
    .string()
    .regex(/^(file:\/|env:|[a-z0-9])/i, 'expected a secret reference: NAME, NAME@VERSION, env:NAME or file:/path')
    .optional()
    .describe('Secret reference of the private key that signs provenance; without it provenance is not signed.'),
  PLINTH_CACHE_REPOSITORY: z
    .string()
    .refine(isRepository, 'expected host/repository without a tag, such as registry.example.com/build-cache')
    .optional()
    .describe('Repository in which the steps of builds are kept for other builders, under a tag for each task.'),
  PLINTH_BUILD_PIDS: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe(
      'Processes that a build may have at a time; 0 for no limit. 4096 where nothing is said and it can be kept.',
    ),
  PLINTH_BUILD_MEMORY: size.optional().describe('Memory that the steps of a build may have together, as 4GB.'),
  PLINTH_BUILD_CPUS: z.coerce
    .number()
    .min(0)
    .max(1024)
    .optional()
    .describe('Processors that the steps of a build may use together, as 1.5.'),
  PLINTH_BUILD_DISK: size.optional().describe('Disk that a build may take, as 10GB.'),
  PLINTH_BUILDER_ID: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/)
    .optional()
    .describe('Name of this builder on runs; made of host name and process id when absent.'),
  PLINTH_POOL: z.string().min(1).max(63).default('default').describe('Pool that this builder belongs to.'),
  PLINTH_SLOTS: z.coerce.number().int().min(1).max(64).default(2).describe('Builds at the same time.'),
  PLINTH_ACK_WAIT: z.coerce
    .number()
    .min(1)
    .max(3600)
    .default(30)
    .describe('Seconds until a run is handed to another builder when this one is silent.'),
  PLINTH_RECONCILE: z.coerce
    .number()
    .min(1)
    .max(86_400)
    .default(600)
    .describe('Seconds between two looks at all published tags.'),
  PLINTH_REUSE_FOR: z.coerce
    .number()
    .min(0)
    .default(604_800)
    .describe('Seconds for which the image of an earlier run may be put back instead of building; 0 never.'),
});
export type BuilderEnvironment = z.output<typeof builderConfigSchema>;
