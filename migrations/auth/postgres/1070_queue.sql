-- Background jobs. A failed job that is tried again points at its next attempt.

CREATE TABLE queue_workers (
    queue_worker_id uuid NOT NULL PRIMARY KEY,
    registered_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    shutdown_at timestamptz
);

CREATE TYPE queue_job_status AS ENUM (
    'available',
    'scheduled',
    'running',
    'completed',
    'failed',
    'lost'
);

CREATE TABLE queue_jobs (
    queue_job_id uuid NOT NULL PRIMARY KEY,
    queue_name text NOT NULL,
    status queue_job_status NOT NULL DEFAULT 'available',
    payload jsonb NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    attempt integer NOT NULL DEFAULT 0,
    schedule_name text,
    created_at timestamptz NOT NULL,
    scheduled_at timestamptz,
    started_at timestamptz,
    started_by uuid REFERENCES queue_workers (queue_worker_id),
    completed_at timestamptz,
    failed_at timestamptz,
    failed_reason text,
    -- 3010 makes it SET NULL: one retried job stopped the clearing of all.
    next_attempt_id uuid REFERENCES queue_jobs (queue_job_id)
);
