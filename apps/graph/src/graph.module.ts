import { Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Runtime } from '#libs/runtime';
import { serves, type Positions } from '#libs/service';
import { GraphService } from './graph.service.js';
import { AnswerHandlers } from './handlers/answer.handlers.js';
import { GraphHandlers } from './handlers/graph.handlers.js';
import { WaveHandlers } from './handlers/wave.handlers.js';

const POSITIONS = Symbol('plinth.graph.positions');

@Module({
  providers: [
    { provide: GraphService, inject: [Runtime], useFactory: (runtime: Runtime) => new GraphService(runtime) },
    { provide: POSITIONS, inject: [GraphService], useFactory: ({ log }: GraphService): Positions => log.positions },
    GraphHandlers,
    AnswerHandlers,
    WaveHandlers,
    serves(
      'graph',
      {
        listDependants: GraphHandlers,
        listInputs: GraphHandlers,
        listStates: GraphHandlers,
        explain: GraphHandlers,
        getImpact: AnswerHandlers,
        getCurrent: AnswerHandlers,
        listContaining: AnswerHandlers,
        listWaves: WaveHandlers,
        getWave: WaveHandlers,
      },
      { positions: POSITIONS },
    ),
  ],
})
export class GraphModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly graph: GraphService) {}

  onApplicationBootstrap(): Promise<void> {
    return this.graph.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.graph.stop();
  }
}
