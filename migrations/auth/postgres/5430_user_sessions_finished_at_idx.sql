-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_sessions_finished_at_idx;
CREATE INDEX CONCURRENTLY user_sessions_finished_at_idx ON user_sessions (finished_at) WHERE finished_at IS NOT NULL;
