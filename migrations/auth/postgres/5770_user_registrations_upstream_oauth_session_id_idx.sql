-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_registrations_upstream_oauth_session_id_idx;
CREATE INDEX CONCURRENTLY user_registrations_upstream_oauth_session_id_idx ON user_registrations (upstream_oauth_authorization_session_id);
