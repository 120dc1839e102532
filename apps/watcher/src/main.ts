import { keepHeapSmall } from './small-heap.js';

keepHeapSmall();
// Only now: loading the program makes the heap grow.
await import('./start.js');
