import type Database from 'better-sqlite3';
import type { EventType } from '#libs/contracts';
import type { Decider } from '../decider.js';
import type { RecordedEvent } from '../log.js';
import type { Projection } from './projection.js';

/** An aggregate as it is known here. */
export interface Known<State> {
  readonly state: State;
  /** Sequence of the last event in it; 0 when there was none: the next append expects it. */
  readonly sequence: number;
}

interface Entry<State> {
  state: State;
  sequence: number;
  /** Sequence that the database row has; below `sequence` while a command is ahead of the projector. */
  written: number;
  dirty: boolean;
}

interface Row {
  readonly id: string;
  readonly sequence: number;
  readonly state: string;
}

export interface AggregateStoreOptions {
  /** Raised when `evolve` makes another state of the same events. */
  readonly version?: number;
  /** States that stay parsed in memory; 100,000. */
  readonly cache?: number;
}

const page = 1000;

/**
 * The states of all aggregates of one decider: a table of JSON, with the ones in use parsed in memory. Commands read
 * from it and put their own events in at once; the projector skips what is there already.
 */
export class AggregateStore<State> implements Projection {
  readonly name: string;
  readonly version: number;
  readonly schema: string;
  readonly #kind: string;
  readonly #restated: EventType;
  readonly #initial: State;
  readonly #evolve: (state: State, event: RecordedEvent) => State;
  readonly #isOver: (state: State) => boolean;
  readonly #cache: number;
  /** Two generations: what was used lately, and before that. Cheaper than a list for each access. */
  #hot = new Map<string, Entry<State>>();
  #cold = new Map<string, Entry<State>>();
  #dirty: [string, Entry<State>][] = [];
  /** Every row is in memory: an id that is not there has no row. Saves a query per new aggregate on replay. */
  #complete = true;
  #select!: Database.Statement<[string], Row>;
  #page!: Database.Statement<[string], Row>;
  #upsert!: Database.Statement<[string, number, string, number]>;

  // The decider's command type does not matter here, and a decider takes only events of its kind.
  constructor(decider: Decider<State, never, never> | Decider<State, never>, options: AggregateStoreOptions = {}) {
    this.#kind = decider.kind;
    this.#restated = `${decider.kind}.restated`;
    this.#initial = decider.initialState;
    this.#evolve = decider.evolve as (state: State, event: RecordedEvent) => State;
    this.#isOver = decider.isOver?.bind(decider) ?? (() => false);
    this.#cache = options.cache ?? 100_000;
    this.name = `aggregate_${decider.kind}`;
    this.version = options.version ?? 1;
    this.schema = `CREATE TABLE IF NOT EXISTS ${this.name} (
      id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, state TEXT NOT NULL, over INTEGER NOT NULL)`;
  }

  get kind(): string {
    return this.#kind;
  }

  open(db: Database.Database): void {
    this.#hot.clear();
    this.#cold.clear();
    this.#dirty = [];
    this.#complete = db.prepare(`SELECT 1 FROM ${this.name} LIMIT 1`).get() === undefined;
    this.#select = db.prepare(`SELECT id, sequence, state FROM ${this.name} WHERE id = ?`);
    this.#page = db.prepare(`SELECT id, sequence, state FROM ${this.name} WHERE id > ? ORDER BY id LIMIT ${page}`);
    this.#upsert = db.prepare(
      `INSERT INTO ${this.name} (id, sequence, state, over) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, state = excluded.state, over = excluded.over`,
    );
  }

  /** The state of an aggregate; the initial one, at sequence 0, when there is none of this id. */
  get(id: string): Known<State> {
    const { state, sequence } = this.#find(id) ?? this.#load(id) ?? { state: this.#initial, sequence: 0 };
    return { state, sequence };
  }

  /** Every aggregate that has events, as `[id, { state, sequence }]`; the ones that are over too, unless `live`. */
  *all(options: { live?: boolean } = {}): Generator<readonly [string, Known<State>]> {
    const wanted = (state: State): boolean => !options.live || !this.#isOver(state);
    // Those that a command made and the projector has not met yet have no row.
    const unwritten = [...this.#hot, ...this.#cold].filter(([, entry]) => entry.written === 0);
    for (let rows = this.#page.all(''); rows.length > 0; rows = this.#page.all(rows[rows.length - 1]?.id ?? '')) {
      for (const row of rows) {
        const entry = this.#hot.get(row.id) ?? this.#cold.get(row.id);
        const state = entry ? entry.state : (JSON.parse(row.state) as State);
        if (wanted(state)) yield [row.id, { state, sequence: entry ? entry.sequence : row.sequence }];
      }
    }
    for (const [id, { state, sequence }] of unwritten) if (wanted(state)) yield [id, { state, sequence }];
  }

  /** Puts in what a command has just appended, before the projector meets it. */
  applied(event: RecordedEvent): void {
    const entry = this.#entry(event.aggregate.id);
    if (event.sequence > entry.sequence) this.#evolveEntry(entry, event);
  }

  apply(event: RecordedEvent): void {
    if (event.aggregate.kind !== this.#kind) return;
    const { id } = event.aggregate;
    const entry = this.#entry(id);
    if (event.sequence > entry.sequence) this.#evolveEntry(entry, event);
    if (!entry.dirty) {
      entry.dirty = true;
      this.#dirty.push([id, entry]);
    }
  }

  flush(): void {
    for (const [id, entry] of this.#dirty) {
      this.#upsert.run(id, entry.sequence, JSON.stringify(entry.state), this.#isOver(entry.state) ? 1 : 0);
      entry.written = entry.sequence;
      entry.dirty = false;
    }
    this.#dirty = [];
    this.#forget();
  }

  #evolveEntry(entry: Entry<State>, event: RecordedEvent): void {
    entry.state =
      event.type === this.#restated
        ? // What a restatement of an earlier version does not have yet is as in the beginning.
          { ...this.#initial, ...((event.data as { state: unknown }).state as State) }
        : this.#evolve(entry.state, event);
    entry.sequence = event.sequence;
  }

  #find(id: string): Entry<State> | undefined {
    const hot = this.#hot.get(id);
    if (hot) return hot;
    const cold = this.#cold.get(id);
    if (cold) {
      this.#cold.delete(id);
      this.#hot.set(id, cold);
    }
    return cold;
  }

  #load(id: string): Entry<State> | undefined {
    if (this.#complete) return undefined;
    const row = this.#select.get(id);
    if (!row) return undefined;
    const { sequence } = row;
    const entry = { state: JSON.parse(row.state) as State, sequence, written: sequence, dirty: false };
    this.#hot.set(id, entry);
    this.#forget();
    return entry;
  }

  #entry(id: string): Entry<State> {
    const known = this.#find(id) ?? this.#load(id);
    if (known) return known;
    const entry = { state: this.#initial, sequence: 0, written: 0, dirty: false };
    this.#hot.set(id, entry);
    return entry;
  }

  /** Where too many are in memory, forgets what was not used lately; what is ahead of its row stays. */
  #forget(): void {
    if (this.#hot.size * 2 <= this.#cache) return;
    const gone = this.#cold;
    this.#cold = this.#hot;
    this.#hot = new Map();
    for (const [id, entry] of gone) {
      if (entry.dirty || entry.written < entry.sequence) this.#hot.set(id, entry);
      else this.#complete = false;
    }
  }
}
