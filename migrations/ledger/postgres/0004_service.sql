-- What the hosts that share this database agree on: what is due, who is there, what is paused, which
-- run has a table to itself, and which versions of the plugins run.

-- Where a run came from. NULL in due_at: somebody asked for it.
ALTER TABLE besom_run ADD COLUMN due_at timestamptz;
ALTER TABLE besom_run ADD COLUMN cause text NOT NULL DEFAULT 'command';
ALTER TABLE besom_run ADD COLUMN asked_by text;
ALTER TABLE besom_run ADD COLUMN attempt integer NOT NULL DEFAULT 1;
-- Milliseconds that the run was held back, by reason, as JSON.
ALTER TABLE besom_run ADD COLUMN throttled text NOT NULL DEFAULT '{}';

-- Runs that are to be: one a job and due time, however many hosts there are. An entry stays until
-- the ledger's history is pruned, so that a due time is never taken twice.
CREATE TABLE besom_queue (
    id         uuid PRIMARY KEY,
    plugin     text NOT NULL,
    job        text NOT NULL,
    mode       text NOT NULL CHECK (mode IN ('apply', 'dry-run')),
    cause      text NOT NULL CHECK (cause IN ('schedule', 'request', 'shadow')),
    due_at     timestamptz,
    asked_by   text,
    queued_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- No host takes it earlier: jitter, the wait before another attempt, the next maintenance window.
    not_before timestamptz NOT NULL,
    attempt    integer NOT NULL DEFAULT 1,
    -- The host that has it in hand, until then or until its run has a lease.
    host       text,
    expires    timestamptz,
    -- The run that it has become; after a failure the one before the next attempt.
    run        uuid REFERENCES besom_run ON DELETE SET NULL,
    done_at    timestamptz,
    outcome    text
);
CREATE UNIQUE INDEX besom_queue_due ON besom_queue (plugin, job, due_at);
CREATE INDEX besom_queue_waiting ON besom_queue (not_before) WHERE done_at IS NULL;
CREATE INDEX besom_queue_run ON besom_queue (run);

-- Up to where a job's due times have been considered.
CREATE TABLE besom_schedule (
    plugin     text NOT NULL,
    job        text NOT NULL,
    considered timestamptz NOT NULL,
    PRIMARY KEY (plugin, job)
);

-- At most one run at a time changes a table. A slot is its run's while that run's lease lasts.
CREATE TABLE besom_slot (
    relation text PRIMARY KEY,
    run      uuid NOT NULL REFERENCES besom_run ON DELETE CASCADE
);
CREATE INDEX besom_slot_run ON besom_slot (run);

-- The hosts that are there, by their heartbeat.
CREATE TABLE besom_host (
    name       text PRIMARY KEY,
    version    text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);

-- What is paused: everything (''), a plugin, or a job as plugin/job.
CREATE TABLE besom_pause (
    what   text PRIMARY KEY,
    why    text NOT NULL,
    by     text NOT NULL,
    at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The database cluster that the ledger was last written in.
CREATE TABLE besom_cluster (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    system   text NOT NULL,
    timeline bigint NOT NULL
);

-- What a job did last.
CREATE INDEX besom_run_of_job ON besom_run (plugin, job, started_at);
