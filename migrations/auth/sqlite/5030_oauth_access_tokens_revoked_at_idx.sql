CREATE INDEX oauth_access_tokens_revoked_at_idx ON oauth2_access_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
