-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_sessions_user;
CREATE INDEX CONCURRENTLY user_sessions_user ON user_sessions (user_id);
