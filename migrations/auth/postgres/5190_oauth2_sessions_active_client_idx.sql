-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth2_sessions_active_client_idx;
CREATE INDEX CONCURRENTLY oauth2_sessions_active_client_idx ON oauth2_sessions (oauth2_client_id) WHERE finished_at IS NULL;
