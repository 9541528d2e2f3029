-- no-transaction
-- What a build that failed has left behind goes first: it would be in the way, and serve nobody.
DROP INDEX CONCURRENTLY IF EXISTS oauth_access_tokens_revoked_at_idx;
CREATE INDEX CONCURRENTLY oauth_access_tokens_revoked_at_idx ON oauth2_access_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
