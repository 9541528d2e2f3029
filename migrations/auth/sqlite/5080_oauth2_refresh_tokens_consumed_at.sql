CREATE INDEX oauth2_refresh_tokens_consumed_at ON oauth2_refresh_tokens (consumed_at) WHERE consumed_at IS NOT NULL;
