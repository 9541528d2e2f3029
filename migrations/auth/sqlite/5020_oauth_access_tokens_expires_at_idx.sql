CREATE INDEX oauth_access_tokens_expires_at_idx ON oauth2_access_tokens (expires_at) WHERE expires_at IS NOT NULL;
