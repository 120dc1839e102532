import { status, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import type { Health } from '../health.js';

/** grpc/health/v1/health.proto. */
const descriptor = {
  nested: {
    grpc: {
      nested: {
        health: {
          nested: {
            v1: {
              edition: 'proto3',
              nested: {
                HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
                HealthCheckResponse: {
                  fields: { status: { type: 'ServingStatus', id: 1 } },
                  nested: {
                    ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
                  },
                },
                Health: {
                  methods: {
                    Check: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse' },
                    Watch: {
                      requestType: 'HealthCheckRequest',
                      responseType: 'HealthCheckResponse',
                      responseStream: true,
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};
interface Request {
  readonly service?: string;
}
interface Response {
  readonly status: number;
}

export const healthDefinition = fromJSON(descriptor as never)['grpc.health.v1.Health'] as unknown as ServiceDefinition;
const serving = { unknown: 3, yes: 1, no: 2 } as const;

/** Milliseconds between looks at the checks for those who watch. */
const watchMs = 1000;

/** grpc.health.v1 of the services named, all of which live and die together; `""` is the whole server. */
export const healthImplementation = (health: Health, services: readonly string[]): UntypedServiceImplementation => {
  const known = new Set(['', ...services]);
  const statusNow = async (): Promise<number> => ((await health.readiness()).ready ? serving.yes : serving.no);
  return {
    Check: (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      const service = call.request.service ?? '';
      if (!known.has(service)) {
        callback({ code: status.NOT_FOUND, details: `There is no service "${service}" here.` });
        return;
      }
      void (async () => {
        const now = await statusNow();
        callback(null, { status: now });
      })();
    },
    Watch: (call: ServerWritableStream<Request, Response>) => {
      if (!known.has(call.request.service ?? '')) {
        call.write({ status: serving.unknown });
        return;
      }
      let last: number | undefined;
      const look = (): void => {
        void statusNow().then((now) => {
          if (now !== last && !call.cancelled) call.write({ status: now });
          last = now;
        });
      };
      const timer = setInterval(look, watchMs);
      timer.unref();
      const off = health.onStop(look);
      call.on('cancelled', () => {
        clearInterval(timer);
        off();
        call.end();
      });
      look();
    },
  };
};
