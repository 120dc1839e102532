/** Digests that are remembered per task and tag: a late writer belongs to a recent run. */
export const digestsKept = 64;
/** Finished runs that are remembered per task, for putting an image back. */
export const resultsKept = 16;

export const publishedSchema = `
  CREATE TABLE IF NOT EXISTS published_runs (
    run TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    position INTEGER NOT NULL,
    overridden INTEGER NOT NULL,
    definition_hash TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS published_runs_task ON published_runs (task, position);
  CREATE TABLE IF NOT EXISTS published_tasks (
    task TEXT PRIMARY KEY,
    stable TEXT,
    started_run TEXT,
    started_position INTEGER NOT NULL DEFAULT 0,
    standing_run TEXT,
    standing_position INTEGER,
    standing_outputs TEXT
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS published_digests (
    task TEXT NOT NULL,
    reference TEXT NOT NULL,
    position INTEGER NOT NULL,
    digest TEXT NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (task, reference, position)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS published_results (
    task TEXT NOT NULL,
    position INTEGER NOT NULL,
    run TEXT NOT NULL,
    definition_hash TEXT NOT NULL,
    source_revision TEXT,
    finished_at TEXT NOT NULL,
    outputs TEXT NOT NULL,
    inputs TEXT NOT NULL,
    PRIMARY KEY (task, position)
  ) WITHOUT ROWID;
`;
