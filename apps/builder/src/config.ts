import { z } from 'zod';

/** What the builder reads from the environment beside what every service reads. */
export const builderConfigSchema = z.object({
  PLINTH_ENGINE: z
    .enum(['docker', 'buildah'])
    .default('docker')
    .describe('Engine of this builder: docker (BuildKit inside dockerd) or buildah.'),
  PLINTH_DOCKER_HOST: z
    .string()
    .regex(/^(unix|tcp):\/\/.+/, 'expected unix:///path or tcp://host:port')
    .optional()
    .describe('An existing Docker daemon with the containerd image store; without it the builder runs its own.'),
  PLINTH_ISOLATION: z
    .enum(['oci', 'chroot'])
    .default('oci')
    .describe('How buildah keeps build steps from the host; chroot shares its processes and network.'),
  PLINTH_BUILD_NETWORK: z
    .enum(['none', 'host', 'default'])
    .default('default')
    .describe('What build steps reach: none, host, or what the engine gives by default.'),
  PLINTH_BUILD_CACHE: z
    .string()
    .regex(/^[0-9]+(\.[0-9]+)?[KMGT]B$/, 'expected a size like 20GB')
    .default('20GB')
    .describe('Build cache that the own Docker daemon keeps.'),
  PLINTH_PROVENANCE: z
    .enum(['attach', 'require', 'off'])
    .default('attach')
    .describe('Provenance beside each image: attach, require (a registry that refuses it fails the run), or off.'),
  PLINTH_SIGNING_KEY: z
    .string()
    .regex(/^(file:\/|env:|[a-z0-9])/i, 'expected a secret reference: NAME, NAME@VERSION, env:NAME or file:/path')
    .optional()
    .describe('Secret reference of the private key that signs provenance; without it provenance is not signed.'),
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
