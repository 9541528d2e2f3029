-- Background jobs. A failed job that is tried again points at its next attempt, and a schedule at the job
-- that it made last.

CREATE TABLE queue_workers (
    queue_worker_id uuid NOT NULL PRIMARY KEY,
    registered_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    shutdown_at timestamptz
);

-- Of one row: the worker that makes the scheduled jobs.
CREATE TABLE queue_leader (
    active boolean NOT NULL DEFAULT TRUE UNIQUE CONSTRAINT queue_leader_active CHECK (active IS TRUE),
    elected_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    queue_worker_id uuid NOT NULL REFERENCES queue_workers (queue_worker_id)
);

CREATE TABLE queue_schedules (
    schedule_name text NOT NULL PRIMARY KEY,
    last_scheduled_at timestamptz
);

CREATE TYPE queue_job_status AS ENUM (
    'available',
    'running',
    'completed',
    'lost',
    'failed',
    'scheduled'
);

CREATE TABLE queue_jobs (
    queue_job_id uuid NOT NULL PRIMARY KEY,
    status queue_job_status NOT NULL DEFAULT 'available',
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    started_by uuid REFERENCES queue_workers (queue_worker_id),
    completed_at timestamptz,
    queue_name text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    failed_at timestamptz,
    failed_reason text,
    attempt integer NOT NULL DEFAULT 0,
    -- 3010 makes it SET NULL: one retried job stopped the clearing of all.
    next_attempt_id uuid REFERENCES queue_jobs (queue_job_id),
    scheduled_at timestamptz,
    schedule_name text REFERENCES queue_schedules (schedule_name)
);

-- The two refer to each other.
ALTER TABLE queue_schedules
    ADD COLUMN last_scheduled_job_id uuid REFERENCES queue_jobs (queue_job_id) ON DELETE SET NULL;
