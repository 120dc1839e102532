import type { NotificationDialect } from '#libs/contracts';
import { acr } from './acr.js';
import { aliyun } from './aliyun.js';
import { artifactory } from './artifactory.js';
import type { HookDialect } from './dialect.js';
import { distribution } from './distribution.js';
import { dockerhub } from './dockerhub.js';
import { ecr } from './ecr.js';
import { eventgrid } from './eventgrid.js';
import { forgejo } from './forgejo.js';
import { generic } from './generic.js';
import { gitea } from './gitea.js';
import { github } from './github.js';
import { gitlab } from './gitlab.js';
import { google } from './google.js';
import { harbor } from './harbor.js';
import { nexus } from './nexus.js';
import { quay } from './quay.js';
import { zot } from './zot.js';

/** Every dialect there is, by its name in the path `/v1/hooks/{name}/{registry}`. */
const all: Readonly<Record<NotificationDialect, HookDialect>> = {
  acr,
  aliyun,
  artifactory,
  distribution,
  dockerhub,
  ecr,
  eventgrid,
  forgejo,
  generic,
  gitea,
  github,
  gitlab,
  google,
  harbor,
  nexus,
  quay,
  zot,
};
export const dialects: ReadonlyMap<string, HookDialect> = new Map(Object.entries(all));
