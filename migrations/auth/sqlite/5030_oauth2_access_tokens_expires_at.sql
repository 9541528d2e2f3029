CREATE INDEX oauth2_access_tokens_expires_at ON oauth2_access_tokens (expires_at);
