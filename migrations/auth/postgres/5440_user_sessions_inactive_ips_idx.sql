-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS user_sessions_inactive_ips_idx;
CREATE INDEX CONCURRENTLY user_sessions_inactive_ips_idx ON user_sessions (last_active_at) WHERE last_active_ip IS NOT NULL AND last_active_at IS NOT NULL;
