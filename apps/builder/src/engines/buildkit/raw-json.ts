/** Reads what `docker buildx build --progress=rawjson` prints: BuildKit's solve status (moby/buildkit client/graph.go). */
import type { LogLine, StepProgress } from '../engine.js';
import { LineSplitter } from '../lines.js';

interface Vertex {
  digest: string;
  name: string;
  started?: string;
  completed?: string;
  cached?: boolean;
  error?: string;
}
interface SolveStatus {
  vertexes?: Vertex[];
  logs?: { vertex: string; stream?: number; data?: string }[];
  warnings?: { vertex: string; short?: string }[];
}

export interface RawJsonListener {
  readonly onLog: (line: LogLine) => void;
  readonly onProgress: (progress: StepProgress) => void;
  /** A line that is not progress: the client's own words, at last its error. */
  readonly onOther: (line: string) => void;
}

/**
 * Takes the client's lines. buildx 0.13 prints each status as indented JSON over many lines, later versions one per line;
 * both are understood. Output of one step keeps its order, and a line is passed on when it is complete.
 */
export class RawJsonReader {
  #pending: string[] | undefined;
  readonly #names = new Map<string, string>();
  readonly #reported = new Map<string, StepProgress['status']>();
  readonly #open = new Map<string, LineSplitter>();

  constructor(private readonly listener: RawJsonListener) {}

  line(line: string): void {
    if (this.#pending !== undefined) {
      this.#pending.push(line);
      if (line === '}') {
        const text = this.#pending.join('\n');
        this.#pending = undefined;
        this.#status(JSON.parse(text) as SolveStatus);
      }
    } else if (line === '{') this.#pending = [line];
    else if (line.startsWith('{"')) this.#status(JSON.parse(line) as SolveStatus);
    else this.listener.onOther(line);
  }

  /** Passes on what was printed without a newline. */
  end(): void {
    for (const splitter of this.#open.values()) splitter.end();
    this.#open.clear();
  }

  #status(status: SolveStatus): void {
    for (const vertex of status.vertexes ?? []) this.#names.set(vertex.digest, vertex.name);
    // Logs before completions: both arrive in one status, and the last words of a step belong before its end.
    for (const vertex of status.vertexes ?? []) if (vertex.completed === undefined) this.#vertex(vertex);
    for (const log of status.logs ?? []) {
      const stream = log.stream === 2 ? 'stderr' : 'stdout';
      this.#splitter(log.vertex, stream).write(Buffer.from(log.data ?? '', 'base64'));
    }
    for (const warning of status.warnings ?? []) {
      const text = Buffer.from(warning.short ?? '', 'base64').toString('utf8');
      this.listener.onLog({ stream: 'stderr', text: `warning: ${text}`, ...this.#step(warning.vertex) });
    }
    for (const vertex of status.vertexes ?? []) if (vertex.completed !== undefined) this.#vertex(vertex);
  }

  #vertex(vertex: Vertex): void {
    const state = stateOf(vertex);
    if (vertex.completed !== undefined) {
      for (const stream of ['stdout', 'stderr']) {
        this.#open.get(`${vertex.digest} ${stream}`)?.end();
        this.#open.delete(`${vertex.digest} ${stream}`);
      }
    }
    // A vertex may start and complete several times; people want its first start, and its end once.
    if (state === undefined || this.#reported.get(vertex.digest) === state) return;
    if (state === 'started' && this.#reported.has(vertex.digest)) return;
    if (state === 'done' && this.#reported.get(vertex.digest) === 'cached') return;
    this.#reported.set(vertex.digest, state);
    const ms =
      vertex.started === undefined || vertex.completed === undefined
        ? undefined
        : Math.max(0, Date.parse(vertex.completed) - Date.parse(vertex.started));
    this.listener.onProgress({
      step: vertex.digest,
      name: vertex.name,
      status: state,
      ...(ms === undefined ? {} : { ms }),
    });
  }

  #splitter(vertex: string, stream: 'stdout' | 'stderr'): LineSplitter {
    const key = `${vertex} ${stream}`;
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const made = new LineSplitter((text) => this.listener.onLog({ stream, text, ...this.#step(vertex) }));
    this.#open.set(key, made);
    return made;
  }

  #step(vertex: string): { step?: string } {
    const name = this.#names.get(vertex);
    return name === undefined ? {} : { step: name };
  }
}

function stateOf(vertex: Vertex): StepProgress['status'] | undefined {
  if (vertex.error !== undefined && vertex.error !== '') return 'error';
  if (vertex.cached === true) return 'cached';
  if (vertex.completed !== undefined) return 'done';
  return vertex.started === undefined ? undefined : 'started';
}
