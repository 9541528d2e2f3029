-- Background jobs. A failed job that is tried again points at its next attempt, and a schedule at the job
-- that it made last.

CREATE TABLE queue_workers (
    queue_worker_id BLOB NOT NULL PRIMARY KEY CHECK (length(queue_worker_id) = 16),
    registered_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    shutdown_at INTEGER
) STRICT;

-- Of one row: the worker that makes the scheduled jobs.
CREATE TABLE queue_leader (
    active INTEGER NOT NULL DEFAULT TRUE UNIQUE CONSTRAINT queue_leader_active CHECK (active = 1),
    elected_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    queue_worker_id BLOB NOT NULL CHECK (length(queue_worker_id) = 16) REFERENCES queue_workers (queue_worker_id)
) STRICT;

CREATE TABLE queue_schedules (
    schedule_name TEXT NOT NULL PRIMARY KEY,
    last_scheduled_at INTEGER
) STRICT;

CREATE TABLE queue_jobs (
    queue_job_id BLOB NOT NULL PRIMARY KEY CHECK (length(queue_job_id) = 16),
    status TEXT NOT NULL DEFAULT 'available' CHECK (status IN ('available', 'running', 'completed', 'lost', 'failed', 'scheduled')),
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    started_by BLOB CHECK (length(started_by) = 16) REFERENCES queue_workers (queue_worker_id),
    completed_at INTEGER,
    queue_name TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(payload)),
    metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
    failed_at INTEGER,
    failed_reason TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    next_attempt_id BLOB CHECK (length(next_attempt_id) = 16) REFERENCES queue_jobs (queue_job_id) ON DELETE SET NULL,
    scheduled_at INTEGER,
    schedule_name TEXT REFERENCES queue_schedules (schedule_name)
) STRICT;

-- The two refer to each other.
ALTER TABLE queue_schedules
    ADD COLUMN last_scheduled_job_id BLOB CHECK (length(last_scheduled_job_id) = 16) REFERENCES queue_jobs (queue_job_id) ON DELETE SET NULL;
