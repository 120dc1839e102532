export { backup, type BackupOptions } from './backup.js';
export type { Manifest } from './manifest.js';
export { restore, verifyBackup, type Restored, type RestoreOptions } from './restore.js';
export { StreamApiError } from './stream-snapshot.js';
export {
  reachToRead,
  reachToRestore,
  restoreIsDone,
  type Reached,
  type ReachedToRestore,
  type ReachOptions,
} from './reach.js';
