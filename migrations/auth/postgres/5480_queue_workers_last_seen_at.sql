-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS queue_workers_last_seen_at;
CREATE INDEX CONCURRENTLY queue_workers_last_seen_at ON queue_workers (last_seen_at);
