/** Formats in which registries tell of pushes. */
export const notificationDialects = [
  'distribution',
  'acr',
  'aliyun',
  'artifactory',
  'dockerhub',
  'ecr',
  'eventgrid',
  'forgejo',
  'generic',
  'gitea',
  'github',
  'gitlab',
  'google',
  'harbor',
  'nexus',
  'quay',
  'zot',
] as const;
export type NotificationDialect = (typeof notificationDialects)[number];
