-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_sessions_last_active_at_idx;
CREATE INDEX CONCURRENTLY user_sessions_last_active_at_idx ON user_sessions (last_active_at);
