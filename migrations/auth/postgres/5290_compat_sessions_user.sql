-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS compat_sessions_user;
CREATE INDEX CONCURRENTLY compat_sessions_user ON compat_sessions (user_id);
