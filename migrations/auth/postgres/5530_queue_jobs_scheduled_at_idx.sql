-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS queue_jobs_scheduled_at_idx;
CREATE INDEX CONCURRENTLY queue_jobs_scheduled_at_idx ON queue_jobs (scheduled_at) WHERE status = 'scheduled';
