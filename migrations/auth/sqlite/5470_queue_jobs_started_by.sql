CREATE INDEX queue_jobs_started_by ON queue_jobs (started_by);
