-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS upstream_oauth_authorization_sessions_user_session_id_idx;
CREATE INDEX CONCURRENTLY upstream_oauth_authorization_sessions_user_session_id_idx ON upstream_oauth_authorization_sessions (user_session_id);
