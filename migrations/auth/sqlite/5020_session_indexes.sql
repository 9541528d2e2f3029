-- For the sessions jobs (finished_at, last_active_at), the ips jobs (last_active_at where there is
-- an address), and the foreign keys of the session tables.

CREATE INDEX user_sessions_user ON user_sessions (user_id);
CREATE INDEX user_sessions_finished_at ON user_sessions (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX user_sessions_open_last_active_at ON user_sessions (last_active_at) WHERE finished_at IS NULL;
CREATE INDEX user_sessions_ip_last_active_at ON user_sessions (last_active_at) WHERE last_active_ip IS NOT NULL;

CREATE INDEX oauth2_sessions_user ON oauth2_sessions (user_id);
CREATE INDEX oauth2_sessions_user_session ON oauth2_sessions (user_session_id);
CREATE INDEX oauth2_sessions_client ON oauth2_sessions (oauth2_client_id);
CREATE INDEX oauth2_sessions_finished_at ON oauth2_sessions (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX oauth2_sessions_open_last_active_at ON oauth2_sessions (last_active_at) WHERE finished_at IS NULL;
CREATE INDEX oauth2_sessions_ip_last_active_at ON oauth2_sessions (last_active_at) WHERE last_active_ip IS NOT NULL;

CREATE INDEX compat_sessions_user ON compat_sessions (user_id);
CREATE INDEX compat_sessions_user_session ON compat_sessions (user_session_id);
CREATE INDEX compat_sessions_finished_at ON compat_sessions (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX compat_sessions_open_last_active_at ON compat_sessions (last_active_at) WHERE finished_at IS NULL;
CREATE INDEX compat_sessions_ip_last_active_at ON compat_sessions (last_active_at) WHERE last_active_ip IS NOT NULL;
CREATE INDEX compat_sso_logins_session ON compat_sso_logins (compat_session_id);

CREATE INDEX personal_sessions_owner_user ON personal_sessions (owner_user_id);
CREATE INDEX personal_sessions_owner_client ON personal_sessions (owner_oauth2_client_id);
CREATE INDEX personal_sessions_actor_user ON personal_sessions (actor_user_id);
CREATE INDEX personal_sessions_ip_last_active_at ON personal_sessions (last_active_at) WHERE last_active_ip IS NOT NULL;
CREATE INDEX personal_access_tokens_session ON personal_access_tokens (personal_session_id);

CREATE INDEX user_session_authentications_session ON user_session_authentications (user_session_id);
CREATE INDEX user_session_authentications_password ON user_session_authentications (user_password_id);
CREATE INDEX user_session_authentications_upstream ON user_session_authentications (upstream_oauth_authorization_session_id);
CREATE INDEX user_passwords_user ON user_passwords (user_id);
CREATE INDEX user_passwords_upgraded_from ON user_passwords (upgraded_from_id);
