-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS idx_queue_jobs_status_queue_job_id;
CREATE INDEX CONCURRENTLY idx_queue_jobs_status_queue_job_id ON queue_jobs (status, queue_name, queue_job_id);
