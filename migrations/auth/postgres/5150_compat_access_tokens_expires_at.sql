-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS compat_access_tokens_expires_at;
CREATE INDEX CONCURRENTLY compat_access_tokens_expires_at ON compat_access_tokens (expires_at) WHERE expires_at IS NOT NULL;
