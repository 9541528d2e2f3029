CREATE INDEX queue_jobs_status ON queue_jobs (status, scheduled_at);
