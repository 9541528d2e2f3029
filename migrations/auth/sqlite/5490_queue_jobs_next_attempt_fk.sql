CREATE INDEX queue_jobs_next_attempt_fk ON queue_jobs (next_attempt_id);
