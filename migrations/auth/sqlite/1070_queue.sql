-- Background jobs. A failed job that is tried again points at its next attempt.

CREATE TABLE queue_workers (
    queue_worker_id BLOB NOT NULL PRIMARY KEY CHECK (length(queue_worker_id) = 16),
    registered_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    shutdown_at INTEGER
) STRICT;

CREATE TABLE queue_jobs (
    queue_job_id BLOB NOT NULL PRIMARY KEY CHECK (length(queue_job_id) = 16),
    queue_name TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'available' CHECK (status IN ('available', 'scheduled', 'running', 'completed', 'failed', 'lost')),
    payload TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(payload)),
    metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
    attempt INTEGER NOT NULL DEFAULT 0,
    schedule_name TEXT,
    created_at INTEGER NOT NULL,
    scheduled_at INTEGER,
    started_at INTEGER,
    started_by BLOB CHECK (length(started_by) = 16) REFERENCES queue_workers (queue_worker_id),
    completed_at INTEGER,
    failed_at INTEGER,
    failed_reason TEXT,
    next_attempt_id BLOB CHECK (length(next_attempt_id) = 16) REFERENCES queue_jobs (queue_job_id) ON DELETE SET NULL
) STRICT;
