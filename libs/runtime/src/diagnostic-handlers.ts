import type { Output } from '#libs/contracts';
import type { Runtime } from './runtime.js';

/** What each process says of itself. */
export class DiagnosticHandlers {
  constructor(private readonly runtime: Pick<Runtime, 'name' | 'clock' | 'diagnostics'>) {}

  async getDiagnostics(): Promise<Output<'getDiagnostics'>> {
    const { name, clock, diagnostics } = this.runtime;
    return { process: name, time: clock.now().toISOString(), checks: await diagnostics.run() };
  }
}
