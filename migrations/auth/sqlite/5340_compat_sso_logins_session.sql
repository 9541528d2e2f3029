CREATE INDEX compat_sso_logins_session ON compat_sso_logins (compat_session_id);
