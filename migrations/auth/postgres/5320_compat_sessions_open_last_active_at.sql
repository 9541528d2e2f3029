-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS compat_sessions_open_last_active_at;
CREATE INDEX CONCURRENTLY compat_sessions_open_last_active_at ON compat_sessions (last_active_at) WHERE finished_at IS NULL;
