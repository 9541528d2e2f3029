-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS queue_jobs_status;
CREATE INDEX CONCURRENTLY queue_jobs_status ON queue_jobs (status, scheduled_at);
