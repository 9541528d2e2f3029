-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth_refresh_token_not_consumed_idx;
CREATE INDEX CONCURRENTLY oauth_refresh_token_not_consumed_idx ON oauth2_refresh_tokens (oauth2_refresh_token_id) WHERE consumed_at IS NOT NULL;
