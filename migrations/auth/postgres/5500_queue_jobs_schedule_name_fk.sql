-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS queue_jobs_schedule_name_fk;
CREATE INDEX CONCURRENTLY queue_jobs_schedule_name_fk ON queue_jobs (schedule_name);
