CREATE INDEX compat_access_tokens_session ON compat_access_tokens (compat_session_id);
