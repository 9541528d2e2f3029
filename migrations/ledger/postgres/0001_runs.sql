-- What besom did. The sum over besom_batch equals the rows gone: a batch commits its row here
-- together with what it deleted.

CREATE TABLE besom_run (
    id           uuid PRIMARY KEY,
    plugin       text NOT NULL,
    job          text NOT NULL,
    mode         text NOT NULL CHECK (mode IN ('apply', 'dry-run')),
    state        text NOT NULL CHECK (state IN ('running', 'drained', 'suspended', 'failed', 'cancelled')),
    reason       text,
    error        text,
    verification text,
    host         text NOT NULL,
    version      text NOT NULL,
    digest       text NOT NULL,
    contract     text NOT NULL,
    settings     text NOT NULL,
    -- The database's clock when the run began: every cut-off of the run counts from it.
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    -- The fencing token: raised by every take-over, so that the host before it writes no more.
    token        bigint NOT NULL DEFAULT 1,
    -- The last batch committed; a batch begins by raising it.
    seq          bigint NOT NULL DEFAULT 0,
    checkpoint   text NOT NULL DEFAULT '{}',
    examined     bigint NOT NULL DEFAULT 0,
    affected     bigint NOT NULL DEFAULT 0,
    dependents   bigint NOT NULL DEFAULT 0,
    cascaded     bigint NOT NULL DEFAULT 0,
    locked       bigint NOT NULL DEFAULT 0,
    blocked      bigint NOT NULL DEFAULT 0,
    revived      bigint NOT NULL DEFAULT 0,
    batches      bigint NOT NULL DEFAULT 0
);

-- At most one run of a job changes rows at a time.
CREATE UNIQUE INDEX besom_run_active ON besom_run (plugin, job) WHERE state = 'running' AND mode = 'apply';
CREATE INDEX besom_run_recent ON besom_run (started_at);

CREATE TABLE besom_batch (
    run        uuid NOT NULL REFERENCES besom_run ON DELETE CASCADE,
    seq        bigint NOT NULL,
    examined   bigint NOT NULL,
    affected   bigint NOT NULL,
    dependents bigint NOT NULL,
    cascaded   bigint NOT NULL,
    locked     bigint NOT NULL,
    blocked    bigint NOT NULL,
    revived    bigint NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, seq)
);

-- A row of its own, so that a heartbeat never waits for a batch.
CREATE TABLE besom_lease (
    run     uuid PRIMARY KEY REFERENCES besom_run ON DELETE CASCADE,
    host    text NOT NULL,
    expires timestamptz NOT NULL
);
