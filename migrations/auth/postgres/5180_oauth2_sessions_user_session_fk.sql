-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth2_sessions_user_session_fk;
CREATE INDEX CONCURRENTLY oauth2_sessions_user_session_fk ON oauth2_sessions (user_session_id);
