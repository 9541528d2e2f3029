-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_sessions_user_fk;
CREATE INDEX CONCURRENTLY user_sessions_user_fk ON user_sessions (user_id) INCLUDE (last_active_at);
