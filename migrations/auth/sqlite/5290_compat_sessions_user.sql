CREATE INDEX compat_sessions_user ON compat_sessions (user_id);
