-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth2_refresh_tokens_consumed_at;
CREATE INDEX CONCURRENTLY oauth2_refresh_tokens_consumed_at ON oauth2_refresh_tokens (consumed_at) WHERE consumed_at IS NOT NULL;
