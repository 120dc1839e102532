import type { DockerStep, RegistryDefinition } from '#libs/contracts';

/** A place that names a secret: a field, and what stands in it. */
export interface NamedSecret {
  readonly field: string;
  readonly secretRef: string;
}

/** Every place of a step that names a secret. */
export const secretsOfStep = (step: Pick<DockerStep, 'arguments' | 'contextAccessToken'>): NamedSecret[] => [
  ...(step.contextAccessToken === undefined
    ? []
    : [{ field: 'step.contextAccessToken', secretRef: step.contextAccessToken }]),
  ...step.arguments.flatMap(({ secretRef }, index) =>
    secretRef === undefined ? [] : [{ field: `step.arguments[${index}].secretRef`, secretRef }],
  ),
];

type RegistryParts = {
  readonly [K in 'ca' | 'clientCertificate' | 'credentials' | 'notifications']?: RegistryDefinition[K] | null;
};

/** Every place of a registry, or of a change of one, that names a secret. */
export const secretsOfRegistry = ({
  ca,
  clientCertificate,
  credentials,
  notifications,
}: RegistryParts): NamedSecret[] =>
  [
    { field: 'ca', secretRef: ca },
    { field: 'clientCertificate.certificate', secretRef: clientCertificate?.certificate },
    { field: 'clientCertificate.key', secretRef: clientCertificate?.key },
    { field: 'credentials.password', secretRef: credentials?.password },
    { field: 'notifications.secret', secretRef: notifications?.secret },
    { field: 'notifications.nats.login.password', secretRef: notifications?.nats?.login?.password },
    { field: 'notifications.nats.credentials', secretRef: notifications?.nats?.credentials },
    { field: 'notifications.nats.ca', secretRef: notifications?.nats?.ca },
  ].filter((one): one is NamedSecret => typeof one.secretRef === 'string');
