export { readArchive, readBook, readManifest, type ArchiveSink, type Book, type Manifest } from './books/archive.js';
export { closeBook, type BookCut, type CloseBookOptions } from './books/close-book.js';
export { DirectorySink } from './books/directory-sink.js';
export { ownerOf, type BookOwner } from './books/owner.js';
export * from './clock.js';
export { crashPoint, crashPoints, type CrashPoint } from './crash-point.js';
export {
  Commands,
  type CatchUp,
  type CommandMeta,
  type CommandResult,
  type CommandsOptions,
} from './commands/commands.js';
export { inWindow } from './commands/in-window.js';
export { Mutex } from './commands/mutex.js';
export type { Decider } from './decider.js';
export * from './errors.js';
export { JetStreamEventLog, type JetStreamEventLogOptions } from './jetstream/event-log.js';
export { Jet, type JetOptions, type JetStatus, type JetSurface, type JetTls } from './jetstream/jet.js';
export { connectionOf, type NatsSettings } from './jetstream/connection-of.js';
export { isOlder, oldestServer } from './jetstream/server-version.js';
export { defaultLimits, type Limits } from './jetstream/streams.js';
export * from './log.js';
export { silentLogger, type Logger } from './logger.js';
export { MemoryJet } from './memory/memory-jet.js';
export { MemoryEventLog } from './memory/memory-event-log.js';
export { decodeAttribute, encodeAttribute } from './wire/cloud-events.js';
export type { BlobInfo, BlobStore } from './ports/blobs.js';
export type { ConsumeOptions, DispatchedRun, DispatchQueue } from './ports/dispatch.js';
export type { DeadLetter, DeadLetters, NewDeadLetter } from './ports/dead-letters.js';
export type { KvBucket, KvChange, KvEntry } from './ports/kv.js';
export type { ObjectBucket, ObjectEntry } from './ports/objects.js';
export type { NewLogLine, ReadLogOptions, RunLogs } from './ports/run-logs.js';
export { AggregateStore, type AggregateStoreOptions, type Known } from './projection/aggregate-store.js';
export type { Projection } from './projection/projection.js';
export { Projector, type BatchListener, type ProjectorOptions, type SnapshotSource } from './projection/projector.js';
export { Snapshots, type Snapshot, type SnapshotsOptions } from './snapshots/snapshots.js';
