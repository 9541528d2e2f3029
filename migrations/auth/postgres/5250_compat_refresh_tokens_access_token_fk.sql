-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS compat_refresh_tokens_access_token_fk;
CREATE INDEX CONCURRENTLY compat_refresh_tokens_access_token_fk ON compat_refresh_tokens (compat_access_token_id);
