import { Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Runtime } from '#libs/runtime';
import { serves, type Owners, type Positions } from '#libs/service';
import { ApplyHandlers } from './handlers/apply.handlers.js';
import { ContextHandlers } from './handlers/context.handlers.js';
import { DeadLetterHandlers } from './handlers/dead-letter.handlers.js';
import { RunHandlers } from './handlers/run.handlers.js';
import { SecretHandlers } from './handlers/secret.handlers.js';
import { TaskHandlers } from './handlers/task.handlers.js';
import { TokenHandlers } from './handlers/token.handlers.js';
import { WebhookHandlers } from './handlers/webhook.handlers.js';
import { ownersOf } from './owners.js';
import { SchedulerService } from './scheduler.service.js';

const POSITIONS = Symbol('plinth.scheduler.positions');
const OWNERS = Symbol('plinth.scheduler.owners');

@Module({
  providers: [
    { provide: SchedulerService, inject: [Runtime], useFactory: (runtime: Runtime) => new SchedulerService(runtime) },
    {
      provide: POSITIONS,
      inject: [SchedulerService],
      useFactory: ({ log }: SchedulerService): Positions => log.positions,
    },
    {
      provide: OWNERS,
      inject: [SchedulerService],
      useFactory: (service: SchedulerService): Owners => ownersOf(service),
    },
    TaskHandlers,
    RunHandlers,
    ContextHandlers,
    ApplyHandlers,
    DeadLetterHandlers,
    TokenHandlers,
    SecretHandlers,
    WebhookHandlers,
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
        listRunSteps: RunHandlers,
        uploadContext: ContextHandlers,
        applyTasks: ApplyHandlers,
        listDeadLetters: DeadLetterHandlers,
        replayDeadLetter: DeadLetterHandlers,
        createToken: TokenHandlers,
        listTokens: TokenHandlers,
        revokeToken: TokenHandlers,
        setSecret: SecretHandlers,
        getSecret: SecretHandlers,
        listSecrets: SecretHandlers,
        deleteSecret: SecretHandlers,
        resealSecrets: SecretHandlers,
        createWebhook: WebhookHandlers,
        listWebhooks: WebhookHandlers,
        getWebhook: WebhookHandlers,
        updateWebhook: WebhookHandlers,
        deleteWebhook: WebhookHandlers,
        rotateWebhookSecret: WebhookHandlers,
        testWebhook: WebhookHandlers,
        listDeliveries: WebhookHandlers,
        replayWebhook: WebhookHandlers,
      },
      { positions: POSITIONS, owners: OWNERS },
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
