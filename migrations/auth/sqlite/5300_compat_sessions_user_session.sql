CREATE INDEX compat_sessions_user_session ON compat_sessions (user_session_id);
