CREATE INDEX oauth2_refresh_tokens_revoked_at ON oauth2_refresh_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
