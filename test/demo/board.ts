import type { Cause, EventData } from '#libs/contracts';
import type { DemoEvent, Feed } from './feed.js';
import { levelsOf, declaration } from './graph.js';
import { seconds, short, type Live, type Screen } from './screen.js';

interface Row {
  state: 'idle' | 'waiting' | 'queued' | 'building' | 'built' | 'failed' | 'left';
  text: string;
  /** The causes in short, for a cell. */
  why: string;
  startedAt: number;
}

export interface BoardOptions {
  readonly feed: Feed;
  readonly screen: Screen;
  /** Name of what a reference names, in the words of the declaration. */
  readonly nameOf: (reference: string) => string;
  /** Images that are shown. */
  readonly images: readonly string[];
  /** Zero of its clock, in milliseconds since the epoch. */
  readonly since: number;
  /** Index of the first event of the feed that counts. */
  readonly after: number;
}

const seen = { Webhook: 'webhook', Poll: 'polling', Push: 'own push', Request: 'asked', Watch: 'first look' } as const;

/** What goes on with each image, live: one row each, indented by how far it is from the bases. */
export class Board {
  readonly #rows = new Map<string, Row>();
  readonly #runs = new Map<string, string>();
  readonly #levels = levelsOf(declaration);
  #built = 0;
  readonly #live: Live;
  readonly #stop: () => void;
  /** When the first run was queued, in milliseconds since the epoch. */
  firstRunAt: number | undefined;

  constructor(private readonly options: BoardOptions) {
    for (const name of options.images) {
      this.#rows.set(name, { state: 'idle', text: '', why: '', startedAt: 0 });
    }
    this.#live = options.screen.show(() => this.#render());
    for (const event of options.feed.events.slice(options.after)) this.#apply(event);
    this.#stop = options.feed.on((event) => this.#apply(event));
  }

  end(): void {
    this.#stop();
    this.#live.end();
  }

  #apply(event: DemoEvent): void {
    switch (event.type) {
      case 'rebuild.blocked':
        return this.#blocked(event.data);
      case 'run.queued': {
        const { run, task, causes } = event.data;
        if (task === null || !this.#rows.has(task)) return;
        this.#runs.set(run, task);
        this.firstRunAt ??= Date.parse(event.time);
        const why = causes.map((cause) => this.#shortly(cause)).join(' and ');
        const because = causes.map((cause) => this.#why(cause)).join(' and ');
        return this.#change(event, task, { state: 'queued', text: 'queued', why }, `queued as run ${run}: ${because}`);
      }
      case 'run.started':
        return this.#ofRun(event, event.data.run, { state: 'building', text: '', startedAt: Date.parse(event.time) });
      case 'run.succeeded': {
        const row = this.#rows.get(this.#runs.get(event.data.run) ?? '');
        if (!row) return;
        this.#built += 1;
        const text = `built ${ordinal(this.#built)}, in ${seconds(Date.parse(event.time) - row.startedAt)}`;
        const digest = event.data.outputs[0]?.digest ?? '';
        return this.#ofRun(event, event.data.run, { state: 'built', text }, `${text} → ${short(digest)}`);
      }
      case 'run.failed':
      case 'run.errored':
        return this.#ofRun(event, event.data.run, { state: 'failed', text: event.data.reason }, event.data.reason);
      case 'run.canceled':
        return this.#ofRun(event, event.data.run, { state: 'waiting', text: event.data.message }, event.data.message);
      default:
        return;
    }
  }

  #blocked({ task, reason, by }: EventData<'rebuild.blocked'>): void {
    const row = this.#rows.get(task);
    if (!row) return;
    const texts: Partial<Record<typeof reason, string>> = {
      UpstreamPending: `waits for ${by.join(' and ')}`,
      Settling: 'waits a moment: more may move at the same time',
      TriggerDisabled: 'left alone: its trigger is off',
    };
    Object.assign(row, {
      state: reason === 'TriggerDisabled' ? 'left' : 'waiting',
      text: texts[reason] ?? `held: ${reason}`,
    });
    this.options.screen.note(`             ${task.padEnd(10)} ${row.text}`);
    this.options.screen.redraw();
  }

  #ofRun(event: DemoEvent, run: string, change: Partial<Row>, note?: string): void {
    const task = this.#runs.get(run);
    if (task !== undefined) this.#change(event, task, change, note);
  }

  #change(event: DemoEvent, task: string, change: Partial<Row>, note?: string): void {
    Object.assign(this.#rows.get(task) ?? {}, change);
    const { screen, since } = this.options;
    const at = `+${seconds(Date.parse(event.time) - since)}`;
    if (note !== undefined) screen.note(`  ${at.padEnd(10)} ${task.padEnd(10)} ${note}`);
    screen.redraw();
  }

  #why(cause: Cause): string {
    switch (cause.type) {
      case 'BaseImageMoved': {
        const { reference, from, to, seenBy, run } = cause;
        const how = run === null ? `seen by ${seen[seenBy]}` : `pushed by run ${run}`;
        return `${this.options.nameOf(reference)} moved ${short(from)} → ${short(to)} (${how})`;
      }
      case 'Manual':
        return 'by hand';
      case 'DefinitionChanged':
        return 'what it builds was changed';
    }
  }

  #shortly(cause: Cause): string {
    if (cause.type !== 'BaseImageMoved') return this.#why(cause);
    const { reference, to, seenBy, run } = cause;
    return `${this.options.nameOf(reference)} → ${short(to)} (${run === null ? seen[seenBy] : `run ${run}`})`;
  }

  /** What an image that nothing happens with waits for, by the declaration. */
  #waiting(name: string): string {
    const below = declaration.images.find((image) => image.name === name)?.standsOn ?? [];
    const unfinished = below.filter((one) => (this.#rows.get(one)?.state ?? 'built') !== 'built');
    return unfinished.length > 0 ? `waits for ${unfinished.join(' and ')}` : '';
  }

  #render(): string[] {
    const { screen } = this.options;
    return [...this.#rows].map(([name, row]) => {
      const indent = '  '.repeat(this.#levels.get(name) ?? 1);
      const cell = `${indent}${this.#icon(row)} ${name}`.padEnd(22);
      const text =
        row.state === 'building'
          ? `building ${seconds(Date.now() - row.startedAt)}`
          : row.state === 'idle'
            ? this.#waiting(name)
            : row.text;
      const style = ({ built: 'green', building: 'yellow', failed: 'red' } as const)[row.state as 'built'] ?? 'dim';
      const why = row.state === 'left' || row.state === 'waiting' ? '' : row.why;
      return `${screen.paint(style, cell)}${text.padEnd(24)} ${screen.paint('dim', why)}`;
    });
  }

  #icon({ state }: Row): string {
    if (state === 'building') return this.options.screen.spinner();
    return { idle: '·', waiting: '·', queued: '○', built: '✔', failed: '✘', left: '–' }[state];
  }
}

const ordinal = (number: number): string => `${number}${{ 1: 'st', 2: 'nd', 3: 'rd' }[number] ?? 'th'}`;
