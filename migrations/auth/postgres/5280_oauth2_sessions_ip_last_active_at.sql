-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth2_sessions_ip_last_active_at;
CREATE INDEX CONCURRENTLY oauth2_sessions_ip_last_active_at ON oauth2_sessions (last_active_at) WHERE last_active_ip IS NOT NULL;
