-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS compat_sessions_active_user_idx;
CREATE INDEX CONCURRENTLY compat_sessions_active_user_idx ON compat_sessions (user_id) WHERE finished_at IS NULL;
