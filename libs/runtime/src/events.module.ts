import { Module } from '@nestjs/common';
import { serves } from '#libs/service';
import { EventHandlers } from './event-handlers.js';
import { Runtime } from './runtime.js';

/** The operations that each process answers, whatever services it runs. */
@Module({
  providers: [
    { provide: EventHandlers, inject: [Runtime], useFactory: ({ jet }: Runtime) => new EventHandlers(jet.events) },
    serves('every', { watchEvents: EventHandlers }),
  ],
})
export class EventsModule {}
