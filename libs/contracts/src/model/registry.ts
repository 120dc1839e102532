import { z } from 'zod';
import { notificationDialects } from './notification-dialects.js';
import { registryHostSchema, secretRefSchema, appliedBySchema } from './ids.js';

export const registryKindSchema = z
  .enum(['Distribution', 'Generic'])
  .describe('What the host runs; decides which notification dialect and quirks apply.');

export const notificationsSchema = z.strictObject({
  dialect: z.enum(notificationDialects).describe('Format in which the registry tells of pushes.'),
  secret: secretRefSchema
    .optional()
    .describe('Where the secret is that the sender puts into a header, or signs the body with.'),
  keyHash: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal digits')
    .optional()
    .describe(
      'SHA-256 of the key at the end of the path, for senders that can send no secret: `sha256:` and hexadecimal digits.',
    ),
  oidc: z
    .strictObject({
      issuer: z
        .string()
        .max(512)
        .regex(
          /^https:\/\/[^\s]+$|^http:\/\/(?:127\.0\.0\.1|localhost)(?::[0-9]+)?(?:\/[^\s]*)?$/,
          'expected an https:// URL (http:// on loopback only)',
        )
        .default('https://accounts.google.com')
        .describe('Issuer of the tokens.'),
      audience: z.string().min(1).max(512).describe('Audience of the tokens.'),
      email: z.email().max(320).describe('Account that the tokens must be of.'),
    })
    .optional()
    .describe('Signed tokens that the sender sends as bearer.'),
  nats: z
    .strictObject({
      server: z
        .string()
        .max(253)
        .regex(/^(?:nats|tls):\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?$/, 'expected nats://host:port or tls://host:port')
        .describe('Server that it publishes on; Plinth listens there.'),
      subject: z
        .string()
        .max(255)
        .regex(/^[^\s.*>]+(?:\.[^\s.*>]+)*$/, 'expected a subject without wildcards, such as zot.events')
        .describe('Subject that it publishes on; zot calls it channel.'),
      login: z
        .strictObject({ username: z.string().min(1).max(256), password: secretRefSchema })
        .optional()
        .describe('Login at that server.'),
      credentials: secretRefSchema.optional().describe('Where the text of a NATS credentials file is.'),
      ca: secretRefSchema.optional().describe('Where the PEM of the authority of that server is.'),
    })
    .optional()
    .describe(
      "Where it publishes them, when it does so on a NATS server. Who may publish there is that server's to say.",
    ),
  rewrites: z
    .array(
      z.strictObject({
        from: z
          .string()
          .min(1)
          .max(512)
          .describe('Beginning of the name that the sender says, such as `docker-local/`.'),
        to: z.string().max(512).describe('What stands there in references.'),
      }),
    )
    .max(100)
    .optional()
    .describe('Where the sender names repositories in another way than references do; the first that fits counts.'),
});
export type Notifications = z.infer<typeof notificationsSchema>;

const networkSchema = z
  .string()
  .refine(
    (text) => z.cidrv4().safeParse(text).success || z.cidrv6().safeParse(text).success,
    'expected a network as a CIDR, such as 10.20.0.0/16 or fd00::/8',
  );

const seconds = z.number().int().min(1).max(86_400);

export const pollSchema = z
  .strictObject({
    intervalSeconds: seconds.optional().describe('Each watched tag is looked at once in so many seconds.'),
    randomSeconds: z
      .strictObject({ from: seconds, to: seconds })
      .refine(({ from, to }) => from <= to, { path: ['to'], error: 'expected at least as much as from' })
      .optional()
      .describe('Each watched tag is looked at after a random time between the two; 600 to 3600 is as ACR does it.'),
    requestsPerSecond: z
      .number()
      .positive()
      .max(10_000)
      .optional()
      .describe('What it is asked at most; without an interval, all of it is used. 5 unless said.'),
    concurrency: z.number().int().min(1).max(256).optional().describe('Looks that are under way at most.'),
  })
  .refine((poll) => poll.intervalSeconds === undefined || poll.randomSeconds === undefined, {
    path: ['randomSeconds'],
    error: 'expected either this or intervalSeconds',
  });

/** A registry as a person writes it: to make it known, and in a file that is applied. */
export const registryResourceSchema = z.strictObject({
  host: registryHostSchema,
  kind: registryKindSchema.default('Generic'),
  scheme: z.enum(['https', 'http']).default('https').describe('`http` only where it is said here.'),
  endpoint: z
    .string()
    .max(253)
    .optional()
    .describe('host:port to talk to, where it is not the host of the references.'),
  ca: secretRefSchema.optional().describe('Where the PEM of its certificate authority is.'),
  clientCertificate: z
    .strictObject({
      certificate: secretRefSchema.describe('Where the PEM of the certificate is.'),
      key: secretRefSchema.describe('Where the PEM of its private key is.'),
    })
    .optional()
    .describe('Certificate that Plinth shows to this registry, and to no other host. Engines do not show it.'),
  addressPolicy: z
    .array(networkSchema)
    .max(100)
    .optional()
    .describe(
      'Networks that are not public to which this registry may send us: its token server, its storage. Its own host needs no entry.',
    ),
  credentials: z
    .strictObject({ username: z.string().min(1).max(256), password: secretRefSchema })
    .optional()
    .describe('Credentials for pull and push.'),
  mirrorOf: z
    .string()
    .max(255)
    .regex(
      /^(?=localhost(?:[:/]|$)|[^/]*[.:])[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*(?::[0-9]{1,5})?(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/,
      'expected a registry, or what names begin with: docker.io/library',
    )
    .optional()
    .describe('Registry, or part of one, of which it has the images: those references are followed here.'),
  mirrorPath: z
    .string()
    .max(255)
    .regex(
      /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/,
      'expected a path such as dockerhub/library',
    )
    .optional()
    .describe('What stands here in place of the path in mirrorOf; the same path unless said.'),
  notifications: notificationsSchema
    .optional()
    .describe('Notifications that this registry sends to /v1/hooks/{dialect}/{host}.'),
  poll: pollSchema
    .default({})
    .describe(
      'How its watched tags are looked at: by a budget unless an interval is said. Registries that notify are polled too, every 15 minutes unless said, to repair a lost message.',
    ),
});
export type RegistryResource = z.infer<typeof registryResourceSchema>;

/** A registry as it is stored. */
export const registryDefinitionSchema = registryResourceSchema.extend({ appliedBy: appliedBySchema.optional() });
export type RegistryDefinition = z.infer<typeof registryDefinitionSchema>;
