import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Which way a call came in. */
export type Transport = 'http' | 'grpc';

/**
 * The metrics of one process. Labels are names of operations, transports and error codes: never tasks, images or
 * people, so the number of series is bounded.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #duration: Histogram<'operation' | 'transport' | 'code'>;
  readonly #streams: Gauge<'operation' | 'transport'>;

  constructor(options: { readonly service?: string; readonly process?: boolean } = {}) {
    if (options.service) this.registry.setDefaultLabels({ service: options.service });
    this.#duration = new Histogram({
      name: 'plinth_operation_duration_seconds',
      help: 'Time to answer an operation, by how it ended (OK or the error code).',
      labelNames: ['operation', 'transport', 'code'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers: [this.registry],
    });
    this.#streams = new Gauge({
      name: 'plinth_open_streams',
      help: 'Streams that are being read now.',
      labelNames: ['operation', 'transport'],
      registers: [this.registry],
    });
    if (options.process ?? true) collectDefaultMetrics({ register: this.registry });
  }

  /** Call at the start; call what it returns at the end, with `OK` or the error code. */
  begin(operation: string, transport: Transport): (code: string) => void {
    const end = this.#duration.startTimer({ operation, transport });
    return (code) => {
      end({ code });
    };
  }
  /** A stream was opened; call what it returns when it is closed. */
  stream(operation: string, transport: Transport): () => void {
    this.#streams.inc({ operation, transport });
    return () => {
      this.#streams.dec({ operation, transport });
    };
  }
}
