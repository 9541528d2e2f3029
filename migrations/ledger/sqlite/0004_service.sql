-- What the hosts that share this database agree on: what is due, who is there, what is paused, which
-- run has a table to itself, and which versions of the plugins run.

-- Where a run came from. NULL in due_at: somebody asked for it.
ALTER TABLE besom_run ADD COLUMN due_at INTEGER;
ALTER TABLE besom_run ADD COLUMN cause TEXT NOT NULL DEFAULT 'command';
ALTER TABLE besom_run ADD COLUMN asked_by TEXT;
ALTER TABLE besom_run ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
-- Milliseconds that the run was held back, by reason, as JSON.
ALTER TABLE besom_run ADD COLUMN throttled TEXT NOT NULL DEFAULT '{}';

-- Runs that are to be: one a job and due time, however many hosts there are. An entry stays until
-- the ledger's history is pruned, so that a due time is never taken twice.
CREATE TABLE besom_queue (
    id         TEXT PRIMARY KEY NOT NULL,
    plugin     TEXT NOT NULL,
    job        TEXT NOT NULL,
    mode       TEXT NOT NULL CHECK (mode IN ('apply', 'dry-run')),
    cause      TEXT NOT NULL CHECK (cause IN ('schedule', 'request', 'shadow')),
    due_at     INTEGER,
    asked_by   TEXT,
    queued_at  INTEGER NOT NULL,
    -- No host takes it earlier: jitter, the wait before another attempt, the next maintenance window.
    not_before INTEGER NOT NULL,
    attempt    INTEGER NOT NULL DEFAULT 1,
    -- The host that has it in hand, until then or until its run has a lease.
    host       TEXT,
    expires    INTEGER,
    -- The run that it has become; after a failure the one before the next attempt.
    run        TEXT REFERENCES besom_run ON DELETE SET NULL,
    done_at    INTEGER,
    outcome    TEXT
) STRICT;
CREATE UNIQUE INDEX besom_queue_due ON besom_queue (plugin, job, due_at);
CREATE INDEX besom_queue_waiting ON besom_queue (not_before) WHERE done_at IS NULL;
CREATE INDEX besom_queue_run ON besom_queue (run);

-- Up to where a job's due times have been considered.
CREATE TABLE besom_schedule (
    plugin     TEXT NOT NULL,
    job        TEXT NOT NULL,
    considered INTEGER NOT NULL,
    PRIMARY KEY (plugin, job)
) STRICT, WITHOUT ROWID;

-- At most one run at a time changes a table. A slot is its run's while that run's lease lasts.
CREATE TABLE besom_slot (
    relation TEXT PRIMARY KEY NOT NULL,
    run      TEXT NOT NULL REFERENCES besom_run ON DELETE CASCADE
) STRICT;
CREATE INDEX besom_slot_run ON besom_slot (run);

-- The hosts that are there, by their heartbeat.
CREATE TABLE besom_host (
    name       TEXT PRIMARY KEY NOT NULL,
    version    TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT;

-- What is paused: everything (''), a plugin, or a job as plugin/job.
CREATE TABLE besom_pause (
    what   TEXT PRIMARY KEY NOT NULL,
    why    TEXT NOT NULL,
    by     TEXT NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

-- The database that the ledger was last written in. SQLite has no cluster: a file is its own.
CREATE TABLE besom_cluster (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    system   TEXT NOT NULL,
    timeline INTEGER NOT NULL
) STRICT;

-- What a job did last.
CREATE INDEX besom_run_of_job ON besom_run (plugin, job, started_at);
