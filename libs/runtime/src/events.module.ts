import { Module } from '@nestjs/common';
import { serves } from '#libs/service';
import { DiagnosticHandlers } from './diagnostic-handlers.js';
import { EventHandlers } from './event-handlers.js';
import { Runtime } from './runtime.js';

/** The operations that each process answers, whatever services it runs. */
@Module({
  providers: [
    { provide: EventHandlers, inject: [Runtime], useFactory: ({ jet }: Runtime) => new EventHandlers(jet.events) },
    {
      provide: DiagnosticHandlers,
      inject: [Runtime],
      useFactory: (runtime: Runtime) => new DiagnosticHandlers(runtime),
    },
    serves('every', { watchEvents: EventHandlers, getDiagnostics: DiagnosticHandlers }),
  ],
})
export class EventsModule {}
