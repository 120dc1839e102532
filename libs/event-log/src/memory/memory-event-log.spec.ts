import { eventLogConformance } from '../conformance/event-log.js';
import { MemoryEventLog } from './memory-event-log.js';

eventLogConformance('MemoryEventLog', () => {
  const log = new MemoryEventLog();
  return Promise.resolve({ log, purge: (before) => log.purge(before), close: () => Promise.resolve() });
});
