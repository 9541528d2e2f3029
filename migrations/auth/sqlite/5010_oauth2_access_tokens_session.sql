CREATE INDEX oauth2_access_tokens_session ON oauth2_access_tokens (oauth2_session_id);
