import { processIo } from './io.js';
import { runCli } from './run.js';

// Never process.exit: what was written to a pipe must arrive first.
process.exitCode = await runCli(process.argv.slice(2), processIo());
