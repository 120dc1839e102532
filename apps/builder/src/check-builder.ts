import { problem, warning, type DiagnosticChecks } from '#libs/service';
import type { BuilderService } from './builder.service.js';

/** Registers what a builder can say of itself: whether it can build, and what keeps builds apart. */
export const checkBuilder = (checks: DiagnosticChecks, builder: Pick<BuilderService, 'ready' | 'engine'>): void =>
  checks.register('builder', 'the engine: whether it can build, and what keeps builds apart', () => {
    const { name, isolation } = builder.engine;
    const missing = builder.ready().map((text) => problem('CANNOT_BUILD', text, 'see the log of the builder'));
    if (isolation !== 'chroot') return missing;
    return [
      ...missing,
      warning(
        'WEAK_ISOLATION',
        `Builds of the engine ${name} are kept apart by chroot alone: a build step can reach the machine.`,
        'set PLINTH_ISOLATION=oci, or let only people build here who may do anything on this machine',
      ),
    ];
  });
