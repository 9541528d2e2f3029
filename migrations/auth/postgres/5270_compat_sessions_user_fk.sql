-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS compat_sessions_user_fk;
CREATE INDEX CONCURRENTLY compat_sessions_user_fk ON compat_sessions (user_id) INCLUDE (last_active_at);
