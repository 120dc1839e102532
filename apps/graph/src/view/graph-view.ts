import type { Patience } from '../model/evaluate.js';
import type { GraphProjection } from '../projection/graph-projection.js';

/** The graph at a moment, for who answers questions: as it is now, or as it was. */
export interface GraphView {
  readonly projection: GraphProjection;
  /** Position of the log that it stands at. */
  readonly position: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly patience: Patience;
}
