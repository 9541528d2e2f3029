-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS compat_refresh_tokens_session_fk;
CREATE INDEX CONCURRENTLY compat_refresh_tokens_session_fk ON compat_refresh_tokens (compat_session_id);
