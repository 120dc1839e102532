import { acr } from './acr.js';
import { artifactory } from './artifactory.js';
import type { Connector } from './connector.js';
import { ecr } from './ecr.js';
import { forgejo, gitea } from './gitea.js';
import { github } from './github.js';
import { google } from './google.js';
import { harbor } from './harbor.js';
import { nexus } from './nexus.js';
import { quay } from './quay.js';

/** Registries that have an API for their notifications, by dialect. */
export const connectors = {
  acr,
  artifactory,
  ecr,
  forgejo,
  gitea,
  github,
  google,
  harbor,
  nexus,
  quay,
} as const satisfies Record<string, Connector>;
export type Connected = keyof typeof connectors;

export const connectorOf = (dialect: string): Connector | undefined =>
  Object.hasOwn(connectors, dialect) ? connectors[dialect as Connected] : undefined;
