-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth2_sessions_finished_at_idx;
CREATE INDEX CONCURRENTLY oauth2_sessions_finished_at_idx ON oauth2_sessions (finished_at) WHERE finished_at IS NOT NULL;
