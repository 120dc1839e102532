import type { PushedImage, ScannedInput, SeenBy, Snapshot, TaskDefinition, UsedInput } from '#libs/contracts';

/** A digest that policy let dependants use, with where it came from. */
export interface Adoption {
  readonly snapshot: Snapshot;
  readonly position: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly seenBy: SeenBy;
  readonly hintedAt: string | null;
  /** The run that pushed it, where it was one of ours. */
  readonly run: string | null;
  /** A person released it as urgent. */
  readonly urgent?: boolean;
}

/** Adoptions that are kept per image; enough to find an index that still has a platform. */
export const adoptionsKept = 16;

export interface Defined {
  readonly definition: TaskDefinition;
  readonly hash: string;
  /** Position of the event that gave the task this hash. */
  readonly at: number;
}

/** What reading the Dockerfile of the current definition found. */
export interface Scan {
  readonly status: 'Known' | 'Unknown';
  readonly reason: string | null;
  readonly inputs: readonly ScannedInput[];
  readonly position: number;
}

/** The last successful run of a task's own definition: what the task stands on. */
export interface Standing {
  readonly run: string;
  readonly definitionHash: string;
  readonly position: number;
  readonly inputs: readonly UsedInput[];
  readonly outputs: readonly PushedImage[];
  readonly sourceRevision: string | null;
}

/**
 * What of tasks and images is large and seldom asked: kept by whoever stores the graph, and read when it is asked for.
 * Tasks and images are named by their ids in the model. What was put is there at once.
 */
export interface GraphFacts {
  defined(task: number): Defined | null;
  putDefined(task: number, defined: Defined | null): void;
  /** The hash alone; empty for a task that is not there. */
  definitionHash(task: number): string;
  scan(task: number): Scan | null;
  putScan(task: number, scan: Scan | null): void;
  standing(task: number): Standing | null;
  putStanding(task: number, standing: Standing | null): void;
  /** Newest first, {@link adoptionsKept} at most. */
  adoptions(image: number): readonly Adoption[];
  /** Puts the newest one in; it may be known to be the first. */
  adopt(image: number, adoption: Adoption, isFirst: boolean): void;
  /** Images for which this digest was adopted, of an index or of a platform, as far back as that is kept. */
  imagesWith(digest: string): number[];
}

/** Facts in memory: for a graph that is not stored. */
export class MemoryFacts implements GraphFacts {
  private readonly definitions: (Defined | null)[] = [];
  private readonly scans: (Scan | null)[] = [];
  private readonly standings: (Standing | null)[] = [];
  private readonly adopted: Adoption[][] = [];

  defined(task: number): Defined | null {
    return this.definitions[task] ?? null;
  }
  putDefined(task: number, defined: Defined | null): void {
    this.definitions[task] = defined;
  }
  definitionHash(task: number): string {
    return this.definitions[task]?.hash ?? '';
  }
  scan(task: number): Scan | null {
    return this.scans[task] ?? null;
  }
  putScan(task: number, scan: Scan | null): void {
    this.scans[task] = scan;
  }
  standing(task: number): Standing | null {
    return this.standings[task] ?? null;
  }
  putStanding(task: number, standing: Standing | null): void {
    this.standings[task] = standing;
  }
  adoptions(image: number): Adoption[] {
    return (this.adopted[image] ??= []);
  }
  adopt(image: number, adoption: Adoption): void {
    const adoptions = this.adoptions(image);
    adoptions.unshift(adoption);
    adoptions.splice(adoptionsKept);
  }
  imagesWith(digest: string): number[] {
    return this.adopted.flatMap((adoptions, image) =>
      adoptions.some(({ snapshot }) => hasDigest(snapshot, digest)) ? [image] : [],
    );
  }
}

export const hasDigest = ({ digest, platforms }: Snapshot, wanted: string): boolean =>
  digest === wanted || Object.values(platforms).includes(wanted);
