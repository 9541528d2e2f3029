-- What besom did. The sum over besom_batch equals the rows gone: a batch commits its row here
-- together with what it deleted. Times are microseconds since the epoch, UTC.

CREATE TABLE besom_run (
    id           TEXT PRIMARY KEY NOT NULL,
    plugin       TEXT NOT NULL,
    job          TEXT NOT NULL,
    mode         TEXT NOT NULL CHECK (mode IN ('apply', 'dry-run')),
    state        TEXT NOT NULL CHECK (state IN ('running', 'drained', 'suspended', 'failed', 'cancelled')),
    reason       TEXT,
    error        TEXT,
    verification TEXT,
    host         TEXT NOT NULL,
    version      TEXT NOT NULL,
    digest       TEXT NOT NULL,
    contract     TEXT NOT NULL,
    settings     TEXT NOT NULL,
    -- The clock when the run began: every cut-off of the run counts from it.
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    -- The fencing token: raised by every take-over, so that the host before it writes no more.
    token        INTEGER NOT NULL DEFAULT 1,
    -- The last batch committed; a batch begins by raising it.
    seq          INTEGER NOT NULL DEFAULT 0,
    checkpoint   TEXT NOT NULL DEFAULT '{}',
    examined     INTEGER NOT NULL DEFAULT 0,
    affected     INTEGER NOT NULL DEFAULT 0,
    dependents   INTEGER NOT NULL DEFAULT 0,
    cascaded     INTEGER NOT NULL DEFAULT 0,
    locked       INTEGER NOT NULL DEFAULT 0,
    blocked      INTEGER NOT NULL DEFAULT 0,
    revived      INTEGER NOT NULL DEFAULT 0,
    batches      INTEGER NOT NULL DEFAULT 0
) STRICT;

-- At most one run of a job changes rows at a time.
CREATE UNIQUE INDEX besom_run_active ON besom_run (plugin, job) WHERE state = 'running' AND mode = 'apply';
CREATE INDEX besom_run_recent ON besom_run (started_at);

CREATE TABLE besom_batch (
    run        TEXT NOT NULL REFERENCES besom_run ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    examined   INTEGER NOT NULL,
    affected   INTEGER NOT NULL,
    dependents INTEGER NOT NULL,
    cascaded   INTEGER NOT NULL,
    locked     INTEGER NOT NULL,
    blocked    INTEGER NOT NULL,
    revived    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- A row of its own, so that a heartbeat never waits for a batch.
CREATE TABLE besom_lease (
    run     TEXT PRIMARY KEY NOT NULL REFERENCES besom_run ON DELETE CASCADE,
    host    TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
