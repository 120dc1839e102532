import { Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Runtime } from '#libs/runtime';
import { serves, type Positions } from '#libs/service';
import { AccessHandlers } from './handlers/access.handlers.js';
import { ApplyHandlers } from './handlers/apply.handlers.js';
import { ContextHandlers } from './handlers/context.handlers.js';
import { DeadLetterHandlers } from './handlers/dead-letter.handlers.js';
import { RunHandlers } from './handlers/run.handlers.js';
import { TaskHandlers } from './handlers/task.handlers.js';
import { SchedulerService } from './scheduler.service.js';

const POSITIONS = Symbol('plinth.scheduler.positions');

@Module({
  providers: [
    { provide: SchedulerService, inject: [Runtime], useFactory: (runtime: Runtime) => new SchedulerService(runtime) },
    {
      provide: POSITIONS,
      inject: [SchedulerService],
      useFactory: ({ log }: SchedulerService): Positions => log.positions,
    },
    TaskHandlers,
    RunHandlers,
    ContextHandlers,
    AccessHandlers,
    ApplyHandlers,
    DeadLetterHandlers,
    serves(
      'scheduler',
      {
        createTask: TaskHandlers,
        listTasks: TaskHandlers,
        getTask: TaskHandlers,
        updateTask: TaskHandlers,
        deleteTask: TaskHandlers,
        runTask: TaskHandlers,
        resetTask: TaskHandlers,
        listRuns: RunHandlers,
        getRun: RunHandlers,
        cancelRun: RunHandlers,
        retryRun: RunHandlers,
        scheduleRun: RunHandlers,
        getRunLogs: RunHandlers,
        uploadContext: ContextHandlers,
        applyTasks: ApplyHandlers,
        listDeadLetters: DeadLetterHandlers,
        replayDeadLetter: DeadLetterHandlers,
        createToken: AccessHandlers,
        listTokens: AccessHandlers,
        revokeToken: AccessHandlers,
        setSecret: AccessHandlers,
        listSecrets: AccessHandlers,
        deleteSecret: AccessHandlers,
      },
      { positions: POSITIONS },
    ),
  ],
})
export class SchedulerModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly scheduler: SchedulerService) {}

  onApplicationBootstrap(): Promise<void> {
    return this.scheduler.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.scheduler.stop();
  }
}
