-- For the queue jobs: along the time that a job ended, and the foreign keys of the retry chains.

CREATE INDEX queue_jobs_status ON queue_jobs (status, scheduled_at);
CREATE INDEX queue_jobs_completed_at ON queue_jobs (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX queue_jobs_failed_at ON queue_jobs (failed_at) WHERE failed_at IS NOT NULL;
CREATE INDEX queue_jobs_next_attempt ON queue_jobs (next_attempt_id);
CREATE INDEX queue_jobs_started_by ON queue_jobs (started_by);
CREATE INDEX queue_workers_last_seen_at ON queue_workers (last_seen_at);
CREATE INDEX queue_workers_shutdown_at ON queue_workers (shutdown_at) WHERE shutdown_at IS NOT NULL;
