-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS upstream_oauth_authorization_sessions_orphaned;
CREATE INDEX CONCURRENTLY upstream_oauth_authorization_sessions_orphaned ON upstream_oauth_authorization_sessions (upstream_oauth_authorization_session_id) WHERE user_session_id IS NULL;
