CREATE INDEX oauth_refresh_tokens_revoked_at_idx ON oauth2_refresh_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
