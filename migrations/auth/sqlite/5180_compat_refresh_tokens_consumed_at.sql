CREATE INDEX compat_refresh_tokens_consumed_at ON compat_refresh_tokens (consumed_at) WHERE consumed_at IS NOT NULL;
