CREATE INDEX compat_access_tokens_expires_at ON compat_access_tokens (expires_at) WHERE expires_at IS NOT NULL;
