export { backup, streamsToBackUp, type BackupOptions } from './backup.js';
export type { Manifest } from './manifest.js';
export {
  planRestore,
  restore,
  verifyBackup,
  type Plan,
  type Restored,
  type RestoreOptions,
  type RestorePlan,
} from './restore.js';
export { StreamApiError } from './stream-snapshot.js';
export {
  hasStore,
  keyFileOf,
  reachToRead,
  reachToRestore,
  restoreIsDone,
  type Reached,
  type ReachedToRestore,
  type ReachOptions,
} from './reach.js';
