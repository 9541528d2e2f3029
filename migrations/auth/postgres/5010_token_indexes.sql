-- For the tokens jobs, and for the foreign keys of the tables that they clean.

CREATE INDEX oauth2_access_tokens_session ON oauth2_access_tokens (oauth2_session_id);
CREATE INDEX oauth2_access_tokens_revoked_at ON oauth2_access_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX oauth2_access_tokens_expires_at ON oauth2_access_tokens (expires_at);

CREATE INDEX oauth2_refresh_tokens_session ON oauth2_refresh_tokens (oauth2_session_id);
CREATE INDEX oauth2_refresh_tokens_access_token ON oauth2_refresh_tokens (oauth2_access_token_id);
CREATE INDEX oauth2_refresh_tokens_next ON oauth2_refresh_tokens (next_oauth2_refresh_token_id);
CREATE INDEX oauth2_refresh_tokens_revoked_at ON oauth2_refresh_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX oauth2_refresh_tokens_consumed_at ON oauth2_refresh_tokens (consumed_at) WHERE consumed_at IS NOT NULL;

CREATE INDEX oauth2_authorization_grants_client ON oauth2_authorization_grants (oauth2_client_id);
CREATE INDEX oauth2_authorization_grants_session ON oauth2_authorization_grants (oauth2_session_id);
CREATE INDEX oauth2_device_code_grant_client ON oauth2_device_code_grant (oauth2_client_id);
CREATE INDEX oauth2_device_code_grant_session ON oauth2_device_code_grant (oauth2_session_id);
CREATE INDEX oauth2_device_code_grant_user_session ON oauth2_device_code_grant (user_session_id);

CREATE INDEX compat_access_tokens_session ON compat_access_tokens (compat_session_id);
CREATE INDEX compat_access_tokens_expires_at ON compat_access_tokens (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX compat_refresh_tokens_session ON compat_refresh_tokens (compat_session_id);
CREATE INDEX compat_refresh_tokens_access_token ON compat_refresh_tokens (compat_access_token_id);
CREATE INDEX compat_refresh_tokens_consumed_at ON compat_refresh_tokens (consumed_at) WHERE consumed_at IS NOT NULL;
