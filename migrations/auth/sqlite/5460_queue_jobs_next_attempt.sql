CREATE INDEX queue_jobs_next_attempt ON queue_jobs (next_attempt_id);
