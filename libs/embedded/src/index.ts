export { DataLock } from './data-lock.js';
export { embeddedLimits } from './limits.js';
export { SupervisedNats, type NatsAccess, type SupervisedNatsOptions } from './supervised-nats.js';
export { beginRestore, endRestore, refuseUnfinishedRestore } from './unfinished-restore.js';
