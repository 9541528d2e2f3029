-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS queue_jobs_next_attempt_fk;
CREATE INDEX CONCURRENTLY queue_jobs_next_attempt_fk ON queue_jobs (next_attempt_id);
